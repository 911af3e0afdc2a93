import { OrganizationRole } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseCount } from '../../command.ts';
import { findPool } from '../../session/find-pool.ts';
import { addLimitOptions, type LimitOptions, toLimits } from '../limits.ts';

interface CreateOptions extends LimitOptions {
  role: OrganizationRole;
  description?: string;
  pool?: string;
  expiresInDays: number;
}

export const clientCreate = (cli: Cli): Command =>
  addLimitOptions(
    createCommand('create', 'Add a machine client; its secret is shown once', cli, [
      'client create pipeline --role planner --scope task:plan --scope task:read > pipeline.secret',
      'client create autoscaler --pool eu-west --json',
    ])
      .argument('<name>', 'what it is called')
      .addOption(
        new Option('--role <role>', 'what it may do everywhere').choices(OrganizationRole.options).default('member'),
      )
      .option('--description <text>', 'what it is for')
      .option('--pool <pool>', 'lets agents register into this pool with its key, by name or id')
      .option('--expires-in-days <n>', 'days until it expires', parseCount, 365),
  ).action(async (name: string, options: CreateOptions) => {
    const client = await cli.client();
    const { role, description, pool, expiresInDays } = options;
    const made = await client.call('createClient', {
      body: {
        name,
        role,
        expires_in_days: expiresInDays,
        ...(description && { description }),
        ...(pool && { pool_id: (await findPool(client, pool)).id }),
        ...(await toLimits(client, options)),
      },
    });
    cli.print(made, () => made.app_secret);
    cli.note(`Its key is ${made.app_key}. Keep the secret well: it is not shown again.`);
  });
