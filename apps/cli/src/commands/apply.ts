import type { Command } from 'commander';
import { pushFolder } from '../archive/push-folder.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../cli-error.ts';
import { createCommand } from '../command.ts';
import { runTask } from '../follow/run-task.ts';
import { type TaskOptions, toTaskCreate, withTaskOptions } from '../follow/task-options.ts';
import { isInteractive } from '../terminal/io.ts';

interface ApplyOptions extends TaskOptions {
  yes?: boolean;
  autoApprove?: boolean;
}

export const apply = (cli: Cli): Command =>
  withTaskOptions(
    createCommand('apply', 'Plan a workspace, ask, and apply; watch it', cli, [
      'apply hello --dir examples/hello',
      'apply network --yes --target module.vpn',
      'apply network --destroy',
    ]),
  )
    .option('-y, --yes', 'apply without asking')
    .option('--auto-approve', 'the same, in the words of Terraform')
    .action(async (workspace: string, options: ApplyOptions) => {
      const yes = options.yes === true || options.autoApprove === true;
      const detach = options.detach ?? false;
      const client = await cli.client();
      if (!yes && !detach && !isInteractive(cli.io)) await refuseUnlessAutomatic(cli, workspace);
      if (options.dir !== undefined) await pushFolder(cli, client, { workspace, dir: options.dir });
      await runTask(cli, client, {
        body: toTaskCreate(workspace, 'plan_and_apply', options, yes ? true : undefined),
        detach,
        askApproval: !yes,
        detailedExitCode: false,
      });
    });

/** Nobody could be asked: better said before the plan than after it. */
async function refuseUnlessAutomatic(cli: Cli, workspace: string): Promise<void> {
  const client = await cli.client();
  const { auto_approve } = await client.call('getWorkspace', { params: { workspace_id: workspace } });
  if (auto_approve) return;
  throw usageError(
    `Before it applies, this command asks, and there is no terminal to ask on. Add --yes to apply without asking, or --detach to leave the plan waiting for "${cli.name} task approve".`,
  );
}
