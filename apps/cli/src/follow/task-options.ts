import type { CallInput } from '@groundcrew/client';
import type { TaskType } from '@groundcrew/protocol';
import type { Command } from 'commander';
import { collect, parseCount, parsePriority } from '../command.ts';

/** What `plan` and `apply` have in common. */
export interface TaskOptions {
  dir?: string;
  destroy?: boolean;
  refreshOnly?: boolean;
  target?: string[];
  replace?: string[];
  parallelism?: number;
  priority?: number;
  message?: string;
  detach?: boolean;
}

export const withTaskOptions = (command: Command): Command =>
  command
    .argument('<workspace>', 'name or id')
    .option('--dir <folder>', 'push this folder first')
    .option('--destroy', 'plan to destroy everything the workspace manages')
    .option('--refresh-only', 'only bring the state up to date with what there is')
    .option('--target <address>', 'only this resource and what it needs; may be repeated', collect)
    .option('--replace <address>', 'make this resource anew; may be repeated', collect)
    .option('--parallelism <n>', 'operations at once', parseCount)
    .option('--priority <n>', 'from -10 to 10; each point counts as a minute of waiting', parsePriority)
    .option('--message <text>', 'what others read in the task list')
    .option('--detach', 'ask for it and return at once');

/** The API's words for what was asked for. */
export const toTaskCreate = (
  workspace: string,
  type: TaskType,
  options: TaskOptions,
  autoApprove: boolean | undefined,
): CallInput<'createTask'>['body'] => ({
  workspace_id: workspace,
  task_type: type,
  ...(options.destroy && { destroy: true }),
  ...(options.refreshOnly && { refresh_only: true }),
  ...(options.target && { targets: options.target }),
  ...(options.replace && { replace: options.replace }),
  ...(options.parallelism && { parallelism: options.parallelism }),
  ...(options.priority !== undefined && { priority: options.priority }),
  ...(options.message && { message: options.message }),
  ...(autoApprove === undefined ? {} : { auto_approve: autoApprove }),
});
