import type { Command } from 'commander';
import { pushFolder } from '../archive/push-folder.ts';
import type { Cli } from '../cli.ts';
import { createCommand } from '../command.ts';
import { runTask } from '../follow/run-task.ts';
import { type TaskOptions, toTaskCreate, withTaskOptions } from '../follow/task-options.ts';

export const plan = (cli: Cli): Command =>
  withTaskOptions(
    createCommand('plan', 'Plan a workspace and watch it', cli, [
      'plan hello',
      'plan hello --dir examples/hello',
      'plan hello --destroy --detailed-exitcode',
    ]),
  )
    .option('--detailed-exitcode', 'exit with 2 when the plan has changes')
    .action(async (workspace: string, options: TaskOptions & { detailedExitcode?: boolean }) => {
      const client = await cli.client();
      if (options.dir !== undefined) await pushFolder(cli, client, { workspace, dir: options.dir });
      await runTask(cli, client, {
        body: toTaskCreate(workspace, 'plan', options, undefined),
        detach: options.detach ?? false,
        askApproval: false,
        detailedExitCode: options.detailedExitcode ?? false,
      });
    });
