import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseCount } from '../../command.ts';
import { formatStateVersion } from '../../present/state.ts';
import { findStateVersion } from '../../session/find-state-version.ts';

export const stateShow = (cli: Cli): Command =>
  createCommand('show', 'Show a state version with its outputs', cli, ['state show hello', 'state show hello 3'])
    .argument('<workspace>', 'name or id')
    .argument('[version]', 'its number; default the current one', parseCount)
    .action(async (workspace: string, number: number | undefined) => {
      const version = await findStateVersion(await cli.client(), workspace, number);
      cli.print(version, () => formatStateVersion(version, cli.style));
    });
