import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatClients } from '../../present/people.ts';
import { collectPages } from '../../session/pages.ts';

export const clientList = (cli: Cli): Command =>
  createCommand('list', 'Show the machine clients of the organisation', cli, ['client list'])
    .addOption(limitOption())
    .action(async ({ limit }: { limit: number }) => {
      const client = await cli.client();
      const clients = await collectPages(limit, (query) => client.call('listClients', { query }));
      cli.print(clients, () => formatClients(clients, cli.style, cli.clock.now()));
    });
