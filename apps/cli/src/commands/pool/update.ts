import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { findPool } from '../../session/find-pool.ts';
import { type PoolSettings, toPoolFields, withPoolSettings } from './settings.ts';

export const poolUpdate = (cli: Cli): Command =>
  withPoolSettings(
    createCommand('update', 'Change a pool; what is not given stays', cli, [
      'pool update eu-west --plans-per-agent 5 --max-tasks 40',
      'pool update vault --static',
    ]),
  )
    .argument('<pool>', 'name or id')
    .action(async (name: string, settings: PoolSettings) => {
      const body = toPoolFields(settings);
      if (Object.keys(body).length === 0) throw usageError('Say what to change; see --help.');
      const client = await cli.client();
      const pool = await client.call('updatePool', { params: { id: (await findPool(client, name)).id }, body });
      cli.print(pool, () => `Updated pool ${cli.style.bold(pool.name)}.`);
    });
