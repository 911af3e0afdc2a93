import type { Command } from 'commander';
import type { Cli } from '../../../cli.ts';
import { createCommand, limitOption } from '../../../command.ts';
import { formatStateVersions } from '../../../present/state.ts';
import { collectPages } from '../../../session/pages.ts';

export const quarantineList = (cli: Cli): Command =>
  createCommand('list', 'Show the states of a workspace that wait for a decision', cli, ['state quarantine list hello'])
    .argument('<workspace>', 'name or id')
    .addOption(limitOption())
    .action(async (workspace: string, { limit }: { limit: number }) => {
      const client = await cli.client();
      const params = { workspace_id: workspace };
      const versions = await collectPages(limit, (page) =>
        client.call('listStateVersions', { params, query: { ...page, standing: 'quarantined' } }),
      );
      cli.print(versions, () =>
        versions.length === 0
          ? 'No state is in quarantine.'
          : formatStateVersions(versions, cli.style, cli.clock.now()),
      );
      for (const { version } of versions)
        cli.note(`What version ${version} holds: ${cli.name} state quarantine compare ${workspace} ${version}`);
    });
