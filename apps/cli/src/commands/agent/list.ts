import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatAgents } from '../../present/fleet.ts';
import { findPool, listPools } from '../../session/find-pool.ts';
import { collectPages } from '../../session/pages.ts';

export const agentList = (cli: Cli): Command =>
  createCommand('list', 'Show the agents', cli, ['agent list', 'agent list --pool eu-west'])
    .option('--pool <pool>', 'only those of this pool, by name or id')
    .addOption(limitOption())
    .action(async ({ pool, limit }: { pool?: string; limit: number }) => {
      const client = await cli.client();
      const only = pool === undefined ? {} : { pool_id: (await findPool(client, pool)).id };
      const agents = await collectPages(limit, (page) => client.call('listAgents', { query: { ...page, ...only } }));
      const pools = cli.json ? [] : await listPools(client);
      cli.print(agents, () => formatAgents(agents, pools, cli.style, cli.clock.now()));
    });
