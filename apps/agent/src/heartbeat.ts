import type { Heartbeat } from '@groundcrew/protocol';
import type { HeldAttempt } from './decisions/index.ts';
import type { Identity } from './identity.ts';
import type { HostLoad } from './load/index.ts';

/** What an agent says of itself besides its host's load. */
export interface AgentFigures {
  identity: Identity;
  version: string;
  /** Plans it wants at most just now, and why that is less than configured. */
  planLimit: { limit: number; reason: string | undefined };
  held: readonly HeldAttempt[];
  totalTasks: number;
  draining: boolean;
  /** This is its last word. */
  leaving: boolean;
  now: number;
}

/** The body of a heartbeat, over the socket as over HTTP. */
export const describeHeartbeat = (
  figures: AgentFigures,
  { cpu, memory }: Omit<HostLoad, 'cpuPressure'>,
): Heartbeat => ({
  agent_id: figures.identity.agentId,
  busy: figures.held.length > 0,
  plan_tasks_running: figures.held.filter((attempt) => attempt.action === 'plan').length,
  plan_task_limit: figures.planLimit.limit,
  ...(figures.planLimit.reason === undefined ? {} : { plan_task_limit_reason: figures.planLimit.reason }),
  apply_task_running: figures.held.some((attempt) => attempt.action !== 'plan'),
  current_tasks: figures.held.map((attempt) => attempt.attemptId),
  cpu_usage: cpu,
  mem_usage: memory,
  status: figures.held.length > 0 ? 'busy' : 'online',
  active_jobs: figures.held.length,
  total_jobs: figures.totalTasks,
  version: figures.version,
  timestamp: new Date(figures.now).toISOString(),
  instance: figures.identity.instance,
  draining: figures.draining,
  ...(figures.leaving ? { leaving: true } : {}),
});
