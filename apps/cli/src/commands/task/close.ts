import type { Task, TaskId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError } from '../../cli-error.ts';
import { createCommand, parseTaskId } from '../../command.ts';
import { confirmByName } from '../../confirm.ts';
import { formatStatus } from '../../present/task.ts';
import { formatTaskVerdict } from '../../present/verdict.ts';
import { createStyle, wantsColours } from '../../terminal/style.ts';

interface CloseOptions {
  reason: string;
  confirm?: string;
}

export const taskClose = (cli: Cli): Command =>
  createCommand('close', 'End a task that needs a person, or whose apply is out of contact for good', cli, [
    'task close task-k3j5… --reason "the host burnt down"',
    'task close task-k3j5… --reason "the host burnt down" --confirm network   # without a terminal',
  ])
    .alias('force-release')
    .argument('<task>', 'its id', parseTaskId)
    .requiredOption('--reason <text>', 'what others read')
    .option('--confirm <workspace>', 'the name of its workspace, instead of being asked for it')
    .action(async (id: TaskId, { reason, confirm }: CloseOptions) => {
      const client = await cli.client();
      const params = { task_id: id };
      const task = await client.call('getTask', { params });
      refuseUnlessOffered(cli, task);
      cli.note(formatTaskVerdict(task, createStyle(wantsColours(cli.io, cli.io.stderr)), cli.name));
      const workspace = await confirmByName(cli, `Closing ${id} ends it for good.`, task.workspace_name, confirm);
      const closed = await client.call('closeTask', { params, body: { workspace, reason } });
      cli.print(closed, () => describe(closed, cli.name));
    });

/** The server decides; this only says sooner, and before anything is asked, that there is nothing to close. */
function refuseUnlessOffered(cli: Cli, { id, status, verdict }: Task): void {
  if (verdict?.may_close) return;
  throw new CliError(
    `Task ${id} is ${formatStatus(status, cli.style)} and can go on by itself, or is over; cancel it instead, if need be: ${cli.name} task cancel ${id}`,
    { code: 'conflict' },
  );
}

function describe({ id, workspace_name, verdict }: Task, commandName: string): string {
  if (!verdict?.may_still_run) return `Closed ${id}.`;
  return `Closed ${id}. Workspace ${workspace_name} is locked in your name until attempt ${verdict.attempt?.number} is proved dead, or you unlock it: ${commandName} workspace unlock ${workspace_name}`;
}
