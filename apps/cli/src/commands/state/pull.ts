import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { writeFileDurably } from '@groundcrew/kit';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError } from '../../cli-error.ts';
import { createCommand, parseCount } from '../../command.ts';
import { findStateVersion } from '../../session/find-state-version.ts';

export const statePull = (cli: Cli): Command =>
  createCommand('pull', 'Write a state, exactly as Terraform wrote it, to standard output or a file', cli, [
    'state pull hello > hello.tfstate',
    'state pull hello 3 --output old.tfstate',
  ])
    .argument('<workspace>', 'name or id')
    .argument('[version]', 'its number; default the current one', parseCount)
    .option('-o, --output <file>', 'write a file that only you can read')
    .action(async (workspace: string, number: number | undefined, { output }: { output?: string }) => {
      const client = await cli.client();
      const version = await findStateVersion(client, workspace, number);
      const answer = await client.call('downloadStateVersion', { params: { state_version_id: version.id } });
      const bytes = await answer.bytes();
      if (createHash('sha256').update(bytes).digest('hex') !== version.checksum)
        throw new CliError(`State version ${version.version} arrived damaged (its checksum differs). Pull it again.`, {
          code: 'checksum_mismatch',
        });
      if (output === undefined) return void cli.io.stdout.write(bytes);
      await writeFileDurably(resolve(cli.io.cwd, output), bytes, 0o600);
      cli.print(version, () => `Wrote state version ${version.version} to ${output}. It may hold secrets.`);
    });
