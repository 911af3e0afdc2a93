import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

export const tokenRevoke = (cli: Cli): Command =>
  createCommand('revoke', 'Make a token worthless at once', cli, ['token revoke tok-k3j5…'])
    .argument('<token-id>', 'as "token list" shows it')
    .action(async (id: string) => {
      const client = await cli.client();
      await client.call('revokeToken', { params: { token_id: id } });
      cli.print({ revoked: id }, () => `Revoked ${id}.`);
    });
