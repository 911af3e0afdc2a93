import * as z from 'zod';
import { MaxConcurrentTasks, Time } from './common.ts';
import { AgentId, PoolId, TaskId } from './ids.ts';
import { WayOut } from './task-verdict.ts';

/** What keeps a task waiting for an agent: its workspace, a limit, or the agents of its pool. */
export const QueueRule = z.enum([
  'locked',
  'held',
  'not_first',
  'organization_limit',
  'workspace_limit',
  'pool_limit',
  'no_pool',
  'pool_empty',
  'nobody_able',
  'nobody_online',
  'nobody_free',
]);
export type QueueRule = z.infer<typeof QueueRule>;

/** Why an agent cannot take a task now; `could_take_it` when the agent is not what keeps the task waiting. */
export const AgentReason = z.enum([
  'may_not_execute',
  'may_not_read_secrets',
  'workspace_not_allowed',
  'provider_not_allowed',
  'provider_missing',
  'version_missing',
  'label_missing',
  'offline',
  'in_error',
  'suspect',
  'draining',
  'applying',
  'task_limit',
  'plan_limit',
  'adaptive_limit',
  'passed_over',
  'could_take_it',
]);
export type AgentReason = z.infer<typeof AgentReason>;

/** What a task waits for, if for anything. `waiting` is for an agent, `offered` for the agent's answer. */
export const QueueState = z.enum(['waiting', 'offered', 'running', 'awaiting_approval', 'needs_attention', 'ended']);
export type QueueState = z.infer<typeof QueueState>;

/** Why a task does not run now, and what a person can do about it. */
export const QueueExplanation = z.object({
  task_id: TaskId,
  waiting: z.boolean().describe('True while it waits for an agent.'),
  state: QueueState,
  position: z
    .number()
    .nullable()
    .describe('Its place among the tasks that wait for the same pool, from 1; null when it does not wait.'),
  rule: QueueRule.nullable().describe('The first thing that holds it; null when nothing does.'),
  message: z.string(),
  ways_out: z.array(WayOut),
  agents: z
    .array(
      z.object({
        agent_id: AgentId,
        name: z.string(),
        reason: AgentReason,
        message: z.string(),
        way_out: WayOut.nullable().describe('Null where there is nothing to do but wait.'),
      }),
    )
    .describe('Of its pool; none for whoever may not read agents.'),
});
export type QueueExplanation = z.infer<typeof QueueExplanation>;

/** One pool's part of the queue. */
export const PoolQueue = z.object({
  pool_id: PoolId,
  name: z.string(),
  waiting: z.number().describe('Tasks that wait for an agent of this pool, for whatever reason.'),
  waiting_by_rule: z.partialRecord(QueueRule, z.number()).describe('The same, by what holds them.'),
  oldest_waiting_seconds: z.number().nullable().describe('How long the oldest of them has waited.'),
  helped: z
    .number()
    .describe('Tasks that would be under way at once if there were enough further agents like those of the pool.'),
  helped_by_one: z.number().describe('The same with one further agent.'),
  agents_wanted: z.number().describe('How many further agents that takes.'),
  running: z.number().describe('Attempts that are offered to or run on its agents.'),
  free_slots: z
    .number()
    .describe('Plans that its agents could begin at once; 0 once the limit of the pool is reached.'),
  agents: z.object({
    online: z.number(),
    busy: z.number(),
    error: z.number(),
    offline: z.number(),
    draining: z.number().describe('Counted under their status as well.'),
  }),
});
export type PoolQueue = z.infer<typeof PoolQueue>;

/** The queue in numbers, for people and autoscalers. */
export const QueueSummary = z.object({
  at: Time,
  waiting: z.number(),
  running: z.number(),
  max_concurrent_tasks: MaxConcurrentTasks.nullable().describe("The organisation's limit; null is none."),
  pools: z.array(PoolQueue),
});
export type QueueSummary = z.infer<typeof QueueSummary>;

export const QueueLimits = z.object({
  max_concurrent_tasks: MaxConcurrentTasks.nullable().describe(
    'Tasks of the organisation that run at once; null is no limit.',
  ),
});
export type QueueLimits = z.infer<typeof QueueLimits>;
