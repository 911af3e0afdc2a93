import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatSessions } from '../../present/people.ts';
import { findUserId } from '../../session/find-user.ts';
import { collectPages } from '../../session/pages.ts';

export const sessionList = (cli: Cli): Command =>
  createCommand('list', 'Show the browsers that are signed in as you, or as another user', cli, [
    'session list',
    'session list --user grace',
  ])
    .option('--user <user>', 'name, e-mail address or id')
    .addOption(limitOption())
    .action(async ({ limit, user }: { limit: number; user?: string }) => {
      const client = await cli.client();
      const of = user === undefined ? {} : { user_id: await findUserId(client, user) };
      const sessions = await collectPages(limit, (query) =>
        client.call('listSessions', { query: { ...query, ...of } }),
      );
      cli.print(sessions, () => formatSessions(sessions, cli.style, cli.clock.now()));
    });
