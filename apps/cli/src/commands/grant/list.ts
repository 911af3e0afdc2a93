import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatGrants } from '../../present/people.ts';
import { findUserId } from '../../session/find-user.ts';
import { collectPages } from '../../session/pages.ts';

interface ListOptions {
  limit: number;
  workspace?: string;
  user?: string;
}

export const grantList = (cli: Cli): Command =>
  createCommand('list', 'Show who has which role on which workspace', cli, ['grant list --workspace network'])
    .option('--workspace <workspace>', 'only on this one, by name or id')
    .option('--user <user>', 'only of this user, by name, e-mail address or id')
    .addOption(limitOption())
    .action(async ({ limit, workspace, user }: ListOptions) => {
      const client = await cli.client();
      const only = {
        ...(workspace && { workspace_id: workspace }),
        ...(user && { user_id: await findUserId(client, user) }),
      };
      const grants = await collectPages(limit, (query) => client.call('listGrants', { query: { ...query, ...only } }));
      cli.print(grants, () => formatGrants(grants, cli.style, cli.clock.now()));
    });
