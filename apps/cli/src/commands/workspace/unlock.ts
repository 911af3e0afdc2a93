import type { UnprovenAttempt } from '@groundcrew/protocol';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { confirmOrStop } from '../../confirm.ts';
import { formatTime } from '../../present/times.ts';

export const workspaceUnlock = (cli: Cli): Command =>
  createCommand('unlock', 'Let tasks start again', cli, ['workspace unlock network'])
    .argument('<workspace>', 'name or id')
    .option('-y, --yes', 'do not ask, although an attempt is not proved dead')
    .action(async (name: string, { yes = false }: { yes?: boolean }) => {
      const client = await cli.client();
      const params = { workspace_id: name };
      const { unproven_attempts: unproven = [] } = await client.call('getWorkspace', { params });
      for (const attempt of unproven) await confirmOrStop(cli, warn(attempt), yes);
      const query = { acknowledge: unproven.length > 0 ? 'true' : 'false' } as const;
      const workspace = await client.call('unlockWorkspace', { params, query });
      cli.print(workspace, () => `Unlocked ${workspace.name}. What waited starts now.`);
    });

const warn = ({ attempt_number, task_id, since }: UnprovenAttempt): string =>
  `Terraform of attempt ${attempt_number} of ${task_id}, closed ${formatTime(since)}, may still be changing things. Unlock all the same?`;
