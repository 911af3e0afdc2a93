import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { formatWorkspace } from '../../present/workspace.ts';

export const workspaceShow = (cli: Cli): Command =>
  createCommand('show', 'Show one workspace', cli, ['workspace show hello'])
    .argument('<workspace>', 'name or id')
    .action(async (workspace: string) => {
      const client = await cli.client();
      const found = await client.call('getWorkspace', { params: { workspace_id: workspace } });
      cli.print(found, () => formatWorkspace(found, cli.style));
    });
