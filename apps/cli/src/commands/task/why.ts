import type { QueueExplanation, TaskId } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseTaskId } from '../../command.ts';
import type { Style } from '../../terminal/style.ts';
import { formatTable } from '../../terminal/table.ts';

export const taskWhy = (cli: Cli): Command =>
  createCommand('why', 'Say why a task waits, agent by agent', cli, ['task why task-k3j5…'])
    .argument('<task>', 'its id', parseTaskId)
    .action(async (id: TaskId) => {
      const client = await cli.client();
      const explanation = await client.call('explainTask', { params: { task_id: id } });
      cli.print(explanation, () => format(explanation, cli.style));
    });

function format({ waiting, position, message, agents }: QueueExplanation, style: Style): string {
  if (!waiting) return message;
  const place = position === null ? '' : ` It is number ${position} in its queue.`;
  const rows = agents.map((agent) => [agent.name, agent.message]);
  return `${message}${place}${rows.length === 0 ? '' : `\n\n${formatTable(['AGENT', 'WHY NOT'], rows, style)}`}`;
}
