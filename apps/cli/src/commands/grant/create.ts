import { Role } from '@groundcrew/protocol';
import { Argument, type Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { findUserId } from '../../session/find-user.ts';

export const grantCreate = (cli: Cli): Command =>
  createCommand('create', 'Give a user a role on a workspace, in the place of the one they have there', cli, [
    'grant create network grace operator',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<user>', 'name, e-mail address or id')
    .addArgument(new Argument('<role>', 'what they may do there').choices(Role.options))
    .action(async (workspace: string, name: string, role: Role) => {
      const client = await cli.client();
      const user_id = await findUserId(client, name);
      const grant = await client.call('createGrant', { body: { workspace_id: workspace, user_id, role } });
      cli.print(grant, () => `${grant.user_name} is ${grant.role} on ${grant.workspace_name}.`);
    });
