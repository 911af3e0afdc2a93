import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createCommand, type GivenLimit, parseLimit, toLimit } from '../command.ts';
import { formatQueue } from '../present/queue.ts';
import { findPool } from '../session/find-pool.ts';

const queueLimits = (cli: Cli): Command =>
  createCommand('limits', 'Show or change how many tasks of the organisation may run at once', cli, [
    'queue limits',
    'queue limits --max-tasks 50',
    'queue limits --max-tasks none',
  ])
    .option('--max-tasks <n>', 'tasks at once, or "none"', parseLimit)
    .action(async ({ maxTasks }: { maxTasks?: GivenLimit }) => {
      const client = await cli.client();
      const limits =
        maxTasks === undefined
          ? await client.call('getQueueLimits', {})
          : await client.call('updateQueueLimits', { body: { max_concurrent_tasks: toLimit(maxTasks) } });
      const most = limits.max_concurrent_tasks;
      cli.print(limits, () => (most === null ? 'No limit.' : `At most ${most} tasks run at once.`));
    });

/** Without a further word it shows the queue. */
export const queue = (cli: Cli): Command =>
  createCommand('queue', 'Show what waits, runs and is free, and how many further agents would help', cli, [
    'queue',
    'queue --pool eu-west --json',
    'queue limits --max-tasks 50',
  ])
    .option('--pool <pool>', 'only this one, by name or id')
    .addCommand(queueLimits(cli))
    .action(async ({ pool }: { pool?: string }) => {
      const client = await cli.client();
      const query = pool === undefined ? {} : { pool_id: (await findPool(client, pool)).id };
      const summary = await client.call('getQueueSummary', { query });
      cli.print(summary, () => formatQueue(summary, cli.style));
    });
