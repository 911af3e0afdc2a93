import type { LocalFacts } from './facts.ts';

/** An agent that is well, one minute after its start. */
export const factsWith = (given: Partial<LocalFacts> = {}): LocalFacts => ({
  agentId: 'host-1',
  name: 'host "one"',
  version: '0.1.0',
  instance: 3,
  pid: 4711,
  startedAt: 1_000_000,
  now: 1_060_000,
  condition: 'online',
  since: 1_001_000,
  unhealthy: undefined,
  report: {
    pool: 'pool-1',
    error: undefined,
    held: [],
    totalTasks: 7,
    draining: false,
    heartbeats: { count: 5, failures: 2, failedInARow: 0, lastAt: 1_055_000 },
  },
  maxConcurrent: 3,
  planLimit: { limit: 3, reason: undefined },
  load: { cpu: 0.5, cpuPressure: 0.25, memory: 0.4 },
  usage: { cpuPercent: 130.5, cpuSeconds: 12.5, memoryBytes: 60_000_000 },
  configuration: { revision: 2, loadedAt: 1_002_000, restartNeeded: ['state_file'], reloaded: 4, refused: 1 },
  http: '127.0.0.1:8081',
  ...given,
});
