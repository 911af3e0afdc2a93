import * as z from 'zod';
import { Checksum, Time, text } from './common.ts';
import { AgentId, AttemptId, StateVersionId } from './ids.ts';
import { Progress, UnrecordedResource } from './plan.ts';
import { Stage } from './words.ts';

/** Why a task needs a person, or is out of contact. */
export const TaskVerdictKind = z
  .enum(['contact_lost', 'interrupted', 'abandoned', 'stuck', 'state_missing', 'restored', 'closed'])
  .describe('`closed`: a person ended it without proof that its Terraform is dead, or a late result came after that.');
export type TaskVerdictKind = z.infer<typeof TaskVerdictKind>;

/** One thing that a person can do, with the command that does it. */
export const WayOut = z.object({
  sentence: z.string(),
  command: z.string().nullable().describe('What follows the name of the program; null when there is nothing to type.'),
});
export type WayOut = z.infer<typeof WayOut>;

const StateSummary = z.object({
  id: StateVersionId,
  version: z.number(),
  serial: z.number(),
  checksum: Checksum,
  created_at: Time,
});

/** What is known of a task that cannot go on by itself, and what a person can do about it. */
export const TaskVerdict = z.object({
  kind: TaskVerdictKind,
  since: Time,
  message: z.string(),
  may_still_run: z.boolean().describe('True while Terraform may still be changing things.'),
  may_close: z.boolean().describe('Whether closing the task is offered now.'),
  warning: z
    .string()
    .nullable()
    .describe('What closing, or unlocking the workspace afterwards, has to be confirmed against.'),
  attempt: z
    .object({ id: AttemptId, number: z.number(), agent_id: AgentId, agent_name: z.string().nullable() })
    .nullable(),
  last_seen: z
    .object({ stage: Stage.nullable(), progress: Progress.nullable() })
    .describe('Where Terraform was when it was last heard of.'),
  last_state: StateSummary.nullable().describe('The newest state of this attempt that the server has.'),
  unrecorded: z
    .array(UnrecordedResource)
    .describe('Resources that were seen changed and that the last state does not record.'),
  quarantined: z.array(StateSummary).describe("States of the workspace that wait for a person's decision."),
  ways_out: z.array(WayOut),
});
export type TaskVerdict = z.infer<typeof TaskVerdict>;

/** Ends a task that nothing else can end. `workspace` is its workspace's name, typed by whoever has read the warning. */
export const CloseRequest = z.object({
  workspace: z.string().min(1).max(128).describe('The name of the workspace, to confirm the warning.'),
  reason: text(1000).refine((reason) => reason.trim() !== '', 'must say why'),
});
export type CloseRequest = z.infer<typeof CloseRequest>;
