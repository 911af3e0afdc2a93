import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';

export const workspaceLock = (cli: Cli): Command =>
  createCommand('lock', 'Let nothing new start: tasks wait and say why', cli, [
    'workspace lock network --reason "moving the VPN"',
  ])
    .argument('<workspace>', 'name or id')
    .option('--reason <text>', 'what others read', '')
    .action(async (name: string, { reason }: { reason: string }) => {
      const client = await cli.client();
      const workspace = await client.call('lockWorkspace', { params: { workspace_id: name }, body: { reason } });
      cli.print(
        workspace,
        () => `Locked ${workspace.name}. Unlock it with: ${cli.name} workspace unlock ${workspace.name}`,
      );
    });
