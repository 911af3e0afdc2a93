import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findMachineClient } from '../../session/find-user.ts';

export const clientRevoke = (cli: Cli): Command =>
  createCommand('revoke', 'End a machine client at once, and the agents that registered with it', cli, [
    'client revoke pipeline',
  ])
    .argument('<client>', 'name or id')
    .action(async (name: string) => {
      const client = await cli.client();
      const { id } = await findMachineClient(client, name);
      await client.call('revokeClient', { params: { client_id: id } });
      cli.print({ revoked: id }, () => `Revoked ${name}.`);
    });
