import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findPool } from '../../session/find-pool.ts';

export const poolDelete = (cli: Cli): Command =>
  createCommand('delete', 'Remove a pool that nobody uses any more', cli, ['pool delete eu-west'])
    .argument('<pool>', 'name or id')
    .action(async (name: string) => {
      const client = await cli.client();
      const pool = await findPool(client, name);
      await client.call('deletePool', { params: { id: pool.id } });
      cli.print({ id: pool.id, deleted: true }, () => `Removed pool ${pool.name}.`);
    });
