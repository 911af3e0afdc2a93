import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { formatPoolDetails } from '../../present/fleet.ts';
import { findPool } from '../../session/find-pool.ts';
import { collectPages } from '../../session/pages.ts';

const ALL = 1_000;

export const poolShow = (cli: Cli): Command =>
  createCommand('show', 'Show one pool with its agents', cli, ['pool show eu-west'])
    .argument('<pool>', 'name or id')
    .action(async (name: string) => {
      const client = await cli.client();
      const pool = await findPool(client, name);
      const only = { pool_id: pool.id };
      const agents = cli.json
        ? []
        : await collectPages(ALL, (page) => client.call('listAgents', { query: { ...page, ...only } }));
      cli.print(pool, () => formatPoolDetails(pool, agents, cli.style));
    });
