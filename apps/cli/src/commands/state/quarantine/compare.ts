import type { Command } from 'commander';
import type { Cli } from '../../../cli.ts';
import { createCommand, parseCount } from '../../../command.ts';
import { formatComparison } from '../../../present/comparison.ts';
import { findStateVersion } from '../../../session/find-state-version.ts';

export const quarantineCompare = (cli: Cli): Command =>
  createCommand('compare', 'Show what a state holds that the current one does not, by names alone', cli, [
    'state quarantine compare hello 7',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<version>', 'its number', parseCount)
    .action(async (workspace: string, number: number) => {
      const client = await cli.client();
      const { id } = await findStateVersion(client, workspace, number);
      const comparison = await client.call('compareStateVersion', { params: { state_version_id: id } });
      cli.print(comparison, () => formatComparison(comparison, cli.style));
    });
