import * as z from 'zod';
import { AttemptId, TaskId, WorkspaceId } from './ids.ts';
import { Progress } from './plan.ts';
import { Action, CancelLevel, Stage, Tool } from './words.ts';

/**
 * Version of what agent and runner say to each other over the folder's `sock` (JSON, one document a line). Either side understands
 * the two versions before its own; a message that the other does not know is passed over. Version 2 brought `server`, 3 `mute`.
 */
export const RUNNER_LINK_VERSION = 3;
/** The oldest version that is understood. */
export const OLDEST_RUNNER_LINK_VERSION = Math.max(1, RUNNER_LINK_VERSION - 2);

/**
 * Names inside an attempt's folder that agent and runner both use. `lock` is held by the runner, `alive` by whatever of
 * Terraform still runs; `task.json` is what makes a spare runner's folder an attempt's folder. What the server gave for the
 * attempt stands in `data`, the states Terraform wrote in `state`.
 */
export const ATTEMPT_FOLDER = {
  birth: 'runner.json',
  task: 'task.json',
  secret: 'secret',
  journal: 'journal',
  lock: 'lock',
  alive: 'alive',
  socket: 'sock',
  log: 'runner.log',
  data: 'data.json',
  state: 'state',
} as const;

/** `runner.json`: what a runner is born with. Written by the agent into the folder before it starts the runner; holds no secret. */
export const RunnerBirth = z.object({
  link_version: z.number().int(),
  server_url: z.string(),
  ca_file: z.string().nullable().default(null),
  allow_insecure: z.boolean().default(false),
  /** Folder of installed Terraform versions, shared by all runners of the agent. */
  versions_dir: z.string(),
  /** PATH on which terraform, tofu and provisioners' programs are found. */
  path: z.string(),
  install: z.object({
    enabled: z.boolean(),
    terraform_url: z.string().nullable(),
    tofu_url: z.string().nullable(),
    key_file: z.string().nullable(),
  }),
  log_level: z.string().default('info'),
});
export type RunnerBirth = z.infer<typeof RunnerBirth>;

/** `task.json`: makes a spare runner the runner of one attempt. The attempt's secret stands in the file `secret` beside it. */
export const RunnerTask = z.object({
  attempt_id: AttemptId,
  task_id: TaskId,
  workspace_id: WorkspaceId,
  action: Action,
  epoch: z.number(),
  tool: Tool,
  terraform_version: z.string().nullable(),
  written_at: z.string(),
});
export type RunnerTask = z.infer<typeof RunnerTask>;

/**
 * Agent → runner. `offered`: the secret is in the folder, and the server is being told of its hash; what is known only by asking
 * the server may be asked for. `assigned`: the server has accepted, and task.json is in the folder.
 */
export const ToRunner = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), link_version: z.number().int() }),
  z.object({ type: z.literal('offered'), task: RunnerTask }),
  z.object({ type: z.literal('assigned'), task: RunnerTask }),
  z.object({ type: z.literal('cancel'), level: CancelLevel }),
  z.object({ type: z.literal('watched'), watched: z.boolean(), log_interval_ms: z.number().optional() }),
  z
    .object({
      type: z.literal('server'),
      server_url: z.string(),
      ca_file: z.string().nullable(),
      allow_insecure: z.boolean(),
    })
    .describe('Where the server is now; since version 2.'),
  z.object({ type: z.literal('leave') }).describe('A spare that is not needed any more ends.'),
]);
export type ToRunner = z.infer<typeof ToRunner>;

/** Runner → agent. */
export const FromRunner = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    link_version: z.number().int(),
    pid: z.number().int(),
    version: z.string(),
    attempt_id: AttemptId.nullable(),
    action: Action.nullable(),
  }),
  z.object({
    type: z.literal('progress'),
    attempt_id: AttemptId,
    stage: Stage.nullable(),
    progress: Progress.nullable(),
  }),
  z.object({
    type: z.literal('terraform_started'),
    attempt_id: AttemptId,
    command: z.string(),
    pid: z.number().int(),
    at: z.string(),
  }),
  z
    .object({
      type: z.literal('ended'),
      attempt_id: AttemptId,
      result: z.string(),
      exit_code: z.number().int().nullable(),
      duration: z.number(),
      error_message: z.string().nullable(),
    })
    .describe('Everything is confirmed by the server; the folder may go.'),
  z
    .object({ type: z.literal('mute'), attempt_id: AttemptId, reason: z.string() })
    .describe(
      'Nothing of Terraform runs any more, and nobody can speak for the attempt: the folder is kept for a person. Since version 3.',
    ),
]);
export type FromRunner = z.infer<typeof FromRunner>;
