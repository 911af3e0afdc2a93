import type { Command } from 'commander';
import type { Cli } from '../../../cli.ts';
import { createCommand, parseCount } from '../../../command.ts';
import { formatStateVersion } from '../../../present/state.ts';
import { findStateVersion } from '../../../session/find-state-version.ts';

export const quarantineShow = (cli: Cli): Command =>
  createCommand('show', 'Show a state in quarantine: where it comes from and why it is there', cli, [
    'state quarantine show hello 7',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<version>', 'its number', parseCount)
    .action(async (workspace: string, number: number) => {
      const version = await findStateVersion(await cli.client(), workspace, number);
      cli.print(version, () => formatStateVersion(version, cli.style));
    });
