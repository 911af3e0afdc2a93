import { OrganizationRole } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

interface CreateOptions {
  role: OrganizationRole;
  email?: string;
  invite?: boolean;
}

export const userCreate = (cli: Cli): Command =>
  createCommand('create', 'Add a user, and with --invite a one-time token to sign in with', cli, [
    'user create grace --role operator --email grace@example.com',
    'user create guest --role member --invite > guest.token',
  ])
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .addOption(
      new Option('--role <role>', 'what they may do everywhere').choices(OrganizationRole.options).default('member'),
    )
    .option('--email <address>', 'to sign in with, by password or through the OpenID provider')
    .option('--invite', 'print a sign-in token for them, which works once and for a day')
    .action(async (name: string, { role, email, invite }: CreateOptions) => {
      const client = await cli.client();
      const user = await client.call('createUser', { body: { name, role, ...(email && { email }) } });
      if (!invite) return cli.print(user, () => `Added ${user.name} (${user.role}), ${user.id}.`);
      const body = { name: `for ${name}`.slice(0, 90), kind: 'sign_in', user_id: user.id } as const;
      const token = await client.call('createToken', { body });
      cli.print({ ...user, sign_in_token: token.token }, () => token.token);
      cli.note(
        `Added ${user.name} (${user.role}). Give them the token; they type: ${cli.name} login ${client.baseUrl}`,
      );
    });
