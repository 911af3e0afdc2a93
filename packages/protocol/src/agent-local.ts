import * as z from 'zod';

// What an agent says on its own host: its HTTP and its state file. Readers ignore fields they do not know.

/** Answer of `GET /health` on the agent's own address: 200 when healthy, 503 when not. */
export const AgentHealth = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  uptime: z.number().describe('Seconds since this process started.'),
  last_heartbeat: z.iso
    .datetime({ precision: 3 })
    .nullable()
    .describe('When the server last answered one; null when it never has.'),
  agent_id: z.string(),
  reason: z.string().optional().describe('Why it is unhealthy.'),
  plan_task_limit: z.number(),
  plan_task_limit_reason: z.string().optional(),
});
export type AgentHealth = z.infer<typeof AgentHealth>;

/** Answer of `POST /reload`: 200, 400 when the configuration has mistakes, 500 when it could not be put in force. */
export const AgentReloadAnswer = z.object({
  success: z.boolean(),
  message: z.string().describe('What came of it; every mistake, one line each.'),
  reloaded_at: z.iso.datetime({ precision: 3 }),
  changed: z.array(z.string()).describe('Keys whose new value is in force.'),
  restart_needed: z.array(z.string()).describe('Keys whose new value counts from the next start on.'),
});
export type AgentReloadAnswer = z.infer<typeof AgentReloadAnswer>;

/** What the agent is doing, in one word. `offline`: three heartbeats in a row were not answered. */
export const AgentCondition = z.enum([
  'starting',
  'online',
  'busy',
  'draining',
  'offline',
  'error',
  'stopping',
  'stopped',
]);
export type AgentCondition = z.infer<typeof AgentCondition>;

/** Answer of `GET /metrics` as JSON. */
export const AgentLocalMetrics = z.object({
  agent_id: z.string(),
  uptime: z.number().describe('Seconds since this process started.'),
  heartbeat_count: z.number().describe('Heartbeats that the server answered.'),
  heartbeat_failures: z.number().describe('Heartbeats without an answer.'),
  last_heartbeat: z.iso.datetime({ precision: 3 }).nullable(),
  cpu_percent: z.number().describe("Of one processor, by the agent's own process; may exceed 100."),
  memory_bytes: z.number().describe("Resident memory of the agent's own process."),
  status: AgentCondition,
  version: z.string(),
  active_jobs: z.number(),
  total_jobs: z.number(),
  task_limit: z.number(),
  plan_task_limit: z.number(),
  plan_task_limit_reason: z.string().optional(),
  host_cpu: z.number().describe('0..1 of the processors that the agent may use.'),
  host_cpu_pressure: z.number().describe('0..1: share of the time that something waited for a processor.'),
  host_memory: z.number().describe('0..1 of the memory that the agent may use.'),
});
export type AgentLocalMetrics = z.infer<typeof AgentLocalMetrics>;

/** The state file: replaced as a whole, at every change and every few seconds. */
export const AgentState = z.object({
  pid: z.number(),
  agent_id: z.string(),
  name: z.string(),
  pool_id: z.string().nullable(),
  instance: z.number().describe('Rises with every start of the agent.'),
  version: z.string(),
  status: AgentCondition,
  since: z.iso.datetime({ precision: 3 }).describe('When that status began.'),
  reason: z.string().optional().describe('Why it is offline, in error or stopped.'),
  started_at: z.iso.datetime({ precision: 3 }),
  updated_at: z.iso.datetime({ precision: 3 }).describe('A file older than 30 s speaks of an agent that is gone.'),
  last_heartbeat: z.iso.datetime({ precision: 3 }).nullable(),
  heartbeat_failures: z.number().describe('Unanswered heartbeats in a row.'),
  attempts: z.array(z.object({ attempt_id: z.string(), task_id: z.string(), action: z.string() })),
  plan_task_limit: z.number(),
  plan_task_limit_reason: z.string().optional(),
  http: z.string().nullable().describe("Address of the agent's own HTTP; null when it has none."),
  configuration: z.object({
    revision: z.number().describe('1 at the start, one more with every reload that changed something.'),
    loaded_at: z.iso.datetime({ precision: 3 }),
    restart_needed: z.array(z.string()).describe('Keys whose new value counts from the next start on.'),
  }),
});
export type AgentState = z.infer<typeof AgentState>;
