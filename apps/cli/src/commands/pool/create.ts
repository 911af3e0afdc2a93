import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { type PoolSettings, toPoolFields, withPoolSettings } from './settings.ts';

export const poolCreate = (cli: Cli): Command =>
  withPoolSettings(
    createCommand('create', 'Add a pool of agents', cli, [
      'pool create eu-west',
      'pool create gpu --require-label gpu',
    ]),
  )
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .action(async (name: string, settings: PoolSettings) => {
      const client = await cli.client();
      const pool = await client.call('createPool', { body: { name, ...toPoolFields(settings) } });
      cli.print(pool, () => `Created pool ${cli.style.bold(pool.name)} (${pool.id}).`);
      cli.note(`Make a token for its agents: ${cli.name} pool token create ${pool.name}`);
    });
