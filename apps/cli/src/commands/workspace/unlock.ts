import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

export const workspaceUnlock = (cli: Cli): Command =>
  createCommand('unlock', 'Let tasks start again', cli, ['workspace unlock network'])
    .argument('<workspace>', 'name or id')
    .action(async (name: string) => {
      const client = await cli.client();
      const workspace = await client.call('unlockWorkspace', { params: { workspace_id: name } });
      cli.print(workspace, () => `Unlocked ${workspace.name}. What waited starts now.`);
    });
