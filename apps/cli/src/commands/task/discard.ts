import type { TaskId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseTaskId } from '../../command.ts';

export const taskDiscard = (cli: Cli): Command =>
  createCommand('discard', 'Throw a waiting plan away', cli, ['task discard task-k3j5… --reason "wrong zone"'])
    .argument('<task>', 'its id', parseTaskId)
    .option('--reason <text>', 'what others read', '')
    .action(async (id: TaskId, { reason }: { reason: string }) => {
      const client = await cli.client();
      const task = await client.call('discardTask', { params: { task_id: id }, body: { reason } });
      cli.print(task, () => `Discarded the plan of ${id}.`);
    });
