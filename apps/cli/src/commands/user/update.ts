import { OrganizationRole } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { findUserId } from '../../session/find-user.ts';

interface UpdateOptions {
  role?: OrganizationRole;
  email?: string;
  name?: string;
}

export const userUpdate = (cli: Cli): Command =>
  createCommand('update', "Change a user's role, address or name", cli, ['user update grace --role admin'])
    .argument('<user>', 'name, e-mail address or id')
    .addOption(new Option('--role <role>', 'what they may do everywhere').choices(OrganizationRole.options))
    .option('--email <address>', 'another address')
    .option('--name <name>', 'another name')
    .action(async (name: string, changes: UpdateOptions) => {
      if (Object.keys(changes).length === 0) throw usageError('Say what to change: --role, --email or --name.');
      const client = await cli.client();
      const user_id = await findUserId(client, name);
      const user = await client.call('updateUser', { params: { user_id }, body: changes });
      cli.print(user, () => `${user.name} is ${user.role} now.`);
    });
