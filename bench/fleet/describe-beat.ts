import type { Heartbeat } from '@groundcrew/protocol';

/** The body of a heartbeat, with figures as a real host has them. */
export const describeBeat = (agentId: string, attempts: readonly string[]): Heartbeat => ({
  agent_id: agentId,
  busy: attempts.length > 0,
  plan_tasks_running: attempts.length,
  plan_task_limit: 1,
  apply_task_running: false,
  current_tasks: [...attempts],
  cpu_usage: Math.random(),
  mem_usage: Math.random(),
  status: attempts.length > 0 ? 'busy' : 'online',
  active_jobs: attempts.length,
  total_jobs: 0,
  version: '0.0.0-simulated',
  timestamp: new Date().toISOString(),
  instance: 1,
  draining: false,
});
