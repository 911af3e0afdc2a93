import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatUsers } from '../../present/people.ts';
import { collectPages } from '../../session/pages.ts';

export const userList = (cli: Cli): Command =>
  createCommand('list', 'Show the users of the organisation', cli, ['user list'])
    .addOption(limitOption())
    .action(async ({ limit }: { limit: number }) => {
      const client = await cli.client();
      const users = await collectPages(limit, (query) => client.call('listUsers', { query }));
      cli.print(users, () => formatUsers(users, cli.style));
    });
