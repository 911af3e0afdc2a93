import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatStateVersions } from '../../present/state.ts';
import { collectPages } from '../../session/pages.ts';

export const stateList = (cli: Cli): Command =>
  createCommand('list', 'Show the state versions of a workspace, newest first', cli, ['state list hello'])
    .argument('<workspace>', 'name or id')
    .addOption(limitOption())
    .action(async (workspace: string, { limit }: { limit: number }) => {
      const client = await cli.client();
      const params = { workspace_id: workspace };
      const versions = await collectPages(limit, (query) => client.call('listStateVersions', { params, query }));
      cli.print(versions, () => formatStateVersions(versions, cli.style, cli.clock.now()));
    });
