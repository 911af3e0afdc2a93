import type { Command } from 'commander';
import type { Cli } from '../../../cli.ts';
import { createCommand, parseCount } from '../../../command.ts';
import { confirmOrStop } from '../../../confirm.ts';
import { findStateVersion } from '../../../session/find-state-version.ts';

interface DiscardOptions {
  reason: string;
  yes?: boolean;
}

export const quarantineDiscard = (cli: Cli): Command =>
  createCommand('discard', 'Decide against a state in quarantine; its content is kept', cli, [
    'state quarantine discard hello 7 --reason "made by a copy of the host"',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<version>', 'its number', parseCount)
    .requiredOption('--reason <text>', 'what others read')
    .option('-y, --yes', 'do not ask')
    .action(async (workspace: string, number: number, { reason, yes = false }: DiscardOptions) => {
      const client = await cli.client();
      const { id, resource_count } = await findStateVersion(client, workspace, number);
      const question = `Decide against version ${number} of ${workspace}? It may be the only record of its ${resource_count} resources.`;
      await confirmOrStop(cli, question, yes);
      const discarded = await client.call('discardStateVersion', {
        params: { state_version_id: id },
        body: { reason },
      });
      cli.print(
        discarded,
        () => `Discarded version ${number}. Its content is kept: ${cli.name} state pull ${workspace} ${number}`,
      );
    });
