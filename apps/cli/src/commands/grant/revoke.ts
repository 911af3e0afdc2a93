import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

export const grantRevoke = (cli: Cli): Command =>
  createCommand('revoke', 'Take a role on a workspace away at once', cli, ['grant revoke grant-k3j5…'])
    .argument('<grant-id>', 'as "grant list" shows it')
    .action(async (id: string) => {
      const client = await cli.client();
      await client.call('revokeGrant', { params: { grant_id: id } });
      cli.print({ revoked: id }, () => `Revoked ${id}.`);
    });
