import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
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
      const warning = resources > 0 ? ` Its state holds ${resources} resources.` : '';
      await confirmOrStop(cli, `Remove workspace ${workspace.name} for good?${warning}`, yes);
      await client.call('deleteWorkspace', {
        params: { workspace_id: workspace.workspace_id },
        query: { force: force ? 'true' : 'false' },
      });
      cli.print({ deleted: workspace.workspace_id }, () => `Removed workspace ${workspace.name}.`);
    });
