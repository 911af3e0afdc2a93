import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatWorkspaces } from '../../present/workspace.ts';
import { collectPages } from '../../session/pages.ts';

export const workspaceList = (cli: Cli): Command =>
  createCommand('list', 'Show the workspaces', cli, ['workspace list', 'workspace list --search prod'])
    .option('--search <text>', 'only names that hold this')
    .addOption(limitOption())
    .action(async ({ search, limit }: { search?: string; limit: number }) => {
      const client = await cli.client();
      const found = await collectPages(limit, (page) =>
        client.call('listWorkspaces', { query: { ...page, ...(search && { search }) } }),
      );
      cli.print(found, () => formatWorkspaces(found, cli.style, cli.clock.now()));
    });
