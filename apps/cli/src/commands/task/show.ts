import type { Task, TaskId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseTaskId } from '../../command.ts';
import { formatTask } from '../../present/task.ts';
import { formatTaskVerdict } from '../../present/verdict.ts';

export const taskShow = (cli: Cli): Command =>
  createCommand('show', 'Show one task', cli, ['task show task-k3j5…'])
    .argument('<task>', 'its id', parseTaskId)
    .action(async (id: TaskId) => {
      const client = await cli.client();
      const task = await client.call('getTask', { params: { task_id: id } });
      cli.print(task, () => formatWithVerdict(task, cli));
    });

function formatWithVerdict(task: Task, { style, name }: Cli): string {
  const verdict = formatTaskVerdict(task, style, name);
  return verdict === '' ? formatTask(task, style) : `${formatTask(task, style)}\n\n${verdict}`;
}
