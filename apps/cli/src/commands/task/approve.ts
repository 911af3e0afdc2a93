import type { TaskId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError } from '../../cli-error.ts';
import { createCommand, parseTaskId } from '../../command.ts';
import { confirmOrStop } from '../../confirm.ts';
import { formatChanges, formatStatus } from '../../present/task.ts';

interface ApproveOptions {
  comment: string;
  yes?: boolean;
}

export const taskApprove = (cli: Cli): Command =>
  createCommand('approve', 'Let a waiting plan be applied', cli, ['task approve task-k3j5…'])
    .argument('<task>', 'its id', parseTaskId)
    .option('--comment <text>', 'what others read', '')
    .option('-y, --yes', 'do not ask')
    .action(async (id: TaskId, { comment, yes = false }: ApproveOptions) => {
      const client = await cli.client();
      const params = { task_id: id };
      const task = await client.call('getTask', { params });
      if (task.status !== 'awaiting_approval' || task.plan === null)
        throw new CliError(`Task ${id} does not wait for approval; it is ${formatStatus(task.status, cli.style)}.`, {
          code: 'conflict',
        });
      await confirmOrStop(cli, `Apply to ${task.workspace_name}: ${formatChanges(task) ?? 'this plan'}?`, yes);
      const approved = await client.call('approveTask', {
        params,
        body: { plan_checksum: task.plan.checksum, comment },
      });
      cli.print(approved, () => `Approved ${id}. Watch it: ${cli.name} task logs -f ${id}`);
    });
