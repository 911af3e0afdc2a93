import type { Heartbeat } from '@groundcrew/protocol';
import type { HeldAttempt } from './decisions/index.ts';
import type { HostLoad } from './figures.ts';
import type { Identity } from './identity.ts';

/** What an agent says of itself besides its host's load. */
export interface AgentFigures {
  identity: Identity;
  version: string;
  maxConcurrent: number;
  held: readonly HeldAttempt[];
  totalTasks: number;
  draining: boolean;
  now: number;
}

/** The body of a heartbeat, over the socket as over HTTP. */
export const describeHeartbeat = (figures: AgentFigures, { cpu, memory }: HostLoad): Heartbeat => ({
  agent_id: figures.identity.agentId,
  busy: figures.held.length > 0,
  plan_tasks_running: figures.held.filter((attempt) => attempt.action === 'plan').length,
  plan_task_limit: figures.maxConcurrent,
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
});
