import type { AgentHealth, AgentLocalMetrics, AgentState, DaemonHeartbeat } from '@groundcrew/protocol';
import type { LocalFacts } from './facts.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : iso(ms));
const uptimeSeconds = ({ now, startedAt }: LocalFacts): number => Math.max(0, Math.round((now - startedAt) / 1000));

const limitOf = ({ planLimit }: LocalFacts) => ({
  plan_task_limit: planLimit.limit,
  ...(planLimit.reason === undefined ? {} : { plan_task_limit_reason: planLimit.reason }),
});

export const presentHealth = (facts: LocalFacts): AgentHealth => ({
  status: facts.unhealthy === undefined ? 'healthy' : 'unhealthy',
  uptime: uptimeSeconds(facts),
  last_heartbeat: isoOrNull(facts.report.heartbeats.lastAt),
  agent_id: facts.agentId,
  ...(facts.unhealthy === undefined ? {} : { reason: facts.unhealthy }),
  ...limitOf(facts),
});

export const presentMetrics = (facts: LocalFacts): AgentLocalMetrics => ({
  agent_id: facts.agentId,
  uptime: uptimeSeconds(facts),
  heartbeat_count: facts.report.heartbeats.count,
  heartbeat_failures: facts.report.heartbeats.failures,
  last_heartbeat: isoOrNull(facts.report.heartbeats.lastAt),
  cpu_percent: facts.usage.cpuPercent,
  memory_bytes: facts.usage.memoryBytes,
  status: facts.condition,
  version: facts.version,
  active_jobs: facts.report.held.length,
  total_jobs: facts.report.totalTasks,
  task_limit: facts.maxConcurrent,
  ...limitOf(facts),
  host_cpu: facts.load.cpu,
  host_cpu_pressure: facts.load.cpuPressure,
  host_memory: facts.load.memory,
});

export const presentState = (facts: LocalFacts): AgentState => ({
  pid: facts.pid,
  agent_id: facts.agentId,
  name: facts.name,
  pool_id: facts.report.pool ?? null,
  instance: facts.instance,
  version: facts.version,
  status: facts.condition,
  since: iso(facts.since),
  ...(facts.unhealthy === undefined ? {} : { reason: facts.unhealthy }),
  started_at: iso(facts.startedAt),
  updated_at: iso(facts.now),
  last_heartbeat: isoOrNull(facts.report.heartbeats.lastAt),
  heartbeat_failures: facts.report.heartbeats.failedInARow,
  attempts: facts.report.held.map(({ attemptId, taskId, action }) => ({
    attempt_id: attemptId,
    task_id: taskId,
    action,
  })),
  ...limitOf(facts),
  http: facts.http ?? null,
  configuration: {
    revision: facts.configuration.revision,
    loaded_at: iso(facts.configuration.loadedAt),
    restart_needed: [...facts.configuration.restartNeeded],
  },
});

/** A server that is away is no fault of the agent's, and starting it again would not cure it. */
const DAEMON_STATUS = {
  starting: 'running',
  online: 'running',
  busy: 'running',
  offline: 'running',
  draining: 'stopping',
  stopping: 'stopping',
  stopped: 'stopping',
  error: 'error',
} as const;

export const presentDaemonHeartbeat = (facts: LocalFacts): DaemonHeartbeat => ({
  agent_id: facts.agentId,
  pid: facts.pid,
  status: DAEMON_STATUS[facts.condition],
  cpu: facts.usage.cpuPercent,
  memory: facts.usage.memoryBytes,
  timestamp: iso(facts.now),
});
