import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { confirmOrStop } from '../../confirm.ts';
import { findUser } from '../../session/find-user.ts';

export const userDelete = (cli: Cli): Command =>
  createCommand('delete', 'Remove a user; their tokens and sessions end at once', cli, ['user delete grace --yes'])
    .argument('<user>', 'name, e-mail address or id')
    .option('--yes', 'do not ask')
    .action(async (name: string, { yes = false }: { yes?: boolean }) => {
      const client = await cli.client();
      const user = await findUser(client, name);
      await confirmOrStop(cli, `Remove ${user.name} (${user.role})?`, yes);
      await client.call('deleteUser', { params: { user_id: user.id } });
      cli.print({ deleted: user.id }, () => `Removed ${user.name}.`);
    });
