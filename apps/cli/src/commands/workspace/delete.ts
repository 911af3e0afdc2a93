import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { confirmOrStop } from '../../confirm.ts';

export const workspaceDelete = (cli: Cli): Command =>
  createCommand('delete', 'Remove a workspace with its variables, configurations and state', cli, [
    'workspace delete hello',
  ])
    .argument('<workspace>', 'name or id')
    .option('--force', 'even though its state still holds resources, which then nobody manages')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, { force = false, yes = false }: { force?: boolean; yes?: boolean }) => {
      const client = await cli.client();
      const workspace = await client.call('getWorkspace', { params: { workspace_id: name } });
      const resources = workspace.tf_state?.resource_count ?? 0;
      if (resources > 0 && !force)
        throw new CliError(
          `Workspace ${workspace.name} still manages ${resources} resources. Destroy them first (${cli.name} apply ${workspace.name} --destroy), or add --force to leave them behind.`,
          { code: 'conflict' },
        );
      const warning =
        resources > 0 ? ` Its ${resources} resources stay where they are, and nobody manages them then.` : '';
      await confirmOrStop(cli, `Remove workspace ${workspace.name} for good?${warning}`, yes);
      await client.call('deleteWorkspace', {
        params: { workspace_id: workspace.workspace_id },
        query: { force: force ? 'true' : 'false' },
      });
      cli.print({ deleted: workspace.workspace_id }, () => `Removed workspace ${workspace.name}.`);
    });
