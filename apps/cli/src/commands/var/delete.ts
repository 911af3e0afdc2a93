import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { findVariable } from './find-variable.ts';

export const varDelete = (cli: Cli): Command =>
  createCommand('delete', 'Remove a variable', cli, ['var delete hello name', 'var delete network AWS_REGION --env'])
    .argument('<workspace>', 'name or id')
    .argument('<key>')
    .option('--env', 'the environment variable of this name')
    .action(async (workspace: string, key: string, { env = false }: { env?: boolean }) => {
      const client = await cli.client();
      const variable = await findVariable(client, workspace, key, env ? 'env' : 'terraform');
      if (variable === undefined)
        throw new CliError(`Workspace ${workspace} has no ${env ? 'environment' : 'Terraform'} variable "${key}".`, {
          code: 'not_found',
        });
      await client.call('deleteVariable', { params: { workspace_id: workspace, variable_id: variable.id } });
      cli.print({ deleted: variable.id }, () => `Removed ${key}.`);
    });
