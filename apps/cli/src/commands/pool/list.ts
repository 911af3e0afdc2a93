import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { formatPools } from '../../present/fleet.ts';
import { listPools } from '../../session/find-pool.ts';

export const poolList = (cli: Cli): Command =>
  createCommand('list', 'Show the pools', cli, ['pool list']).action(async () => {
    const pools = await listPools(await cli.client());
    cli.print(pools, () => formatPools(pools, cli.style));
  });
