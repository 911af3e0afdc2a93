import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseCount } from '../../command.ts';
import { confirmOrStop } from '../../confirm.ts';

interface RollbackOptions {
  message: string;
  yes?: boolean;
}

export const stateRollback = (cli: Cli): Command =>
  createCommand('rollback', 'Make an older state current again, as a new version', cli, ['state rollback hello 3'])
    .argument('<workspace>', 'name or id')
    .argument('<version>', 'number of the version to go back to', parseCount)
    .option('--message <text>', 'what others read', '')
    .option('-y, --yes', 'do not ask')
    .action(async (workspace: string, version: number, { message, yes = false }: RollbackOptions) => {
      const question = `Make state version ${version} of ${workspace} current again? What was made since stays where it is, but unrecorded.`;
      await confirmOrStop(cli, question, yes);
      const client = await cli.client();
      const made = await client.call('rollbackState', {
        params: { workspace_id: workspace },
        body: { version, message },
      });
      cli.print(made, () => `Version ${version} is current again, as version ${made.version}.`);
    });
