import type { TaskId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseTaskId } from '../../command.ts';
import { formatExplanation } from '../../present/queue.ts';

export const taskWhy = (cli: Cli): Command =>
  createCommand('why', 'Say why a task does not run, agent by agent, and what can be done', cli, [
    'task why task-k3j5…',
  ])
    .argument('<task>', 'its id', parseTaskId)
    .action(async (id: TaskId) => {
      const client = await cli.client();
      const explanation = await client.call('explainTask', { params: { task_id: id } });
      cli.print(explanation, () => formatExplanation(explanation, cli.style, cli.name));
    });
