import type { TaskId } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseTaskId } from '../../command.ts';

interface CancelOptions {
  level: '1' | '2' | '3';
  force?: boolean;
  reason: string;
}

export const taskCancel = (cli: Cli): Command =>
  createCommand('cancel', 'Stop a task: Terraform finishes what it is doing and saves the state', cli, [
    'task cancel task-k3j5…',
    'task cancel task-k3j5… --level 3 --force     # last resort',
  ])
    .argument('<task>', 'its id', parseTaskId)
    .addOption(
      new Option(
        '--level <n>',
        '1 interrupts Terraform, 2 interrupts it again, 3 kills it; 2 and 3 may lose resources in flight',
      )
        .choices(['1', '2', '3'])
        .default('1'),
    )
    .option('--force', 'needed for levels 2 and 3 while an apply runs')
    .option('--reason <text>', 'what others read', '')
    .action(async (id: TaskId, { level, force = false, reason }: CancelOptions) => {
      const client = await cli.client();
      const body = { level: Number(level) as 1 | 2 | 3, force, reason };
      const task = await client.call('cancelTask', { params: { task_id: id }, body });
      cli.print(task, () =>
        task.status === 'cancelled' ? `Cancelled ${id}.` : `Cancelling ${id}. Watch it: ${cli.name} task logs -f ${id}`,
      );
    });
