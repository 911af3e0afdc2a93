import type { Command } from 'commander';
import type { Cli } from '../../../cli.ts';
import { createCommand, parseCount } from '../../../command.ts';
import { confirmOrStop } from '../../../confirm.ts';
import { summariseComparison } from '../../../present/comparison.ts';
import { findStateVersion } from '../../../session/find-state-version.ts';

interface AcceptOptions {
  reason: string;
  force?: boolean;
  discardOlder?: boolean;
  yes?: boolean;
}

export const quarantineAccept = (cli: Cli): Command =>
  createCommand('accept', 'Make a state in quarantine the current one, as a new version', cli, [
    'state quarantine accept hello 7 --reason "it is what exists"',
    'state quarantine accept hello 8 --discard-older --reason "the last of that apply"',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<version>', 'its number', parseCount)
    .requiredOption('--reason <text>', 'what others read')
    .option('--force', 'even if its lineage is not the current one')
    .option('--discard-older', 'and decide against the older states of its attempt that wait too')
    .option('-y, --yes', 'do not ask')
    .action(async (workspace: string, number: number, options: AcceptOptions) => {
      const { reason, force = false, discardOlder = false, yes = false } = options;
      const client = await cli.client();
      const { id } = await findStateVersion(client, workspace, number);
      const params = { state_version_id: id };
      const comparison = await client.call('compareStateVersion', { params });
      const rest = discardOlder ? ' Older states of its attempt that wait are discarded.' : '';
      const question = `Make version ${number} the state of ${workspace}? ${summariseComparison(comparison)}${rest}`;
      await confirmOrStop(cli, question, yes);
      const made = await client.call('acceptStateVersion', {
        params,
        body: { reason, force, discard_older: discardOlder },
      });
      cli.print(made, () => `Version ${number} is current, as version ${made.version} (serial ${made.serial}).`);
    });
