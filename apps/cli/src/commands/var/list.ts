import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { formatVariables } from '../../present/workspace.ts';
import { listVariables } from './find-variable.ts';

export const varList = (cli: Cli): Command =>
  createCommand('list', 'Show the variables of a workspace', cli, ['var list hello'])
    .argument('<workspace>', 'name or id')
    .action(async (workspace: string) => {
      const variables = await listVariables(await cli.client(), workspace);
      cli.print(variables, () => formatVariables(variables, cli.style));
    });
