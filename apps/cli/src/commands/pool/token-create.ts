import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseCount } from '../../command.ts';
import { findPool } from '../../session/find-pool.ts';

interface TokenOptions {
  name: string;
  expiresInDays: number;
}

export const poolTokenCreate = (cli: Cli): Command =>
  createCommand('create', 'Make a token that agents of a pool register with; it is shown once', cli, [
    'pool token create eu-west --name "first rack" > agent.token',
  ])
    .argument('<pool>', 'name or id')
    .option('--name <text>', 'what it is for', '')
    .option('--expires-in-days <n>', 'days until it expires', parseCount, 365)
    .action(async (name: string, options: TokenOptions) => {
      const client = await cli.client();
      const pool = await findPool(client, name);
      const body = { name: options.name, expires_in_days: options.expiresInDays };
      const token = await client.call('createPoolToken', { params: { id: pool.id }, body });
      cli.print(token, () => token.token);
      cli.note(
        `Keep it well: it is not shown again. Start an agent with: ${cli.name} agent --server-url ${client.baseUrl} --token-file <file>`,
      );
    });
