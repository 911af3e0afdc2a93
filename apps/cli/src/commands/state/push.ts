import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { CliError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';

interface PushOptions {
  force?: boolean;
  message?: string;
}

export const statePush = (cli: Cli): Command =>
  createCommand('push', "Make a state file the workspace's state, as a new version", cli, [
    'state push network terraform.tfstate --message "moved from S3"',
  ])
    .argument('<workspace>', 'name or id')
    .argument('<file>', 'a state file')
    .option('--force', 'even if its lineage differs or its serial is older')
    .option('--message <text>', 'what others read')
    .action(async (workspace: string, file: string, { force, message }: PushOptions) => {
      const bytes = await readState(resolve(cli.io.cwd, file));
      const client = await cli.client();
      const version = await client.call('pushState', {
        params: { workspace_id: workspace },
        query: { force: force ? 'true' : 'false', ...(message === undefined ? {} : { message }) },
        headers: { 'x-content-sha256': createHash('sha256').update(bytes).digest('hex') },
        raw: bytes,
      });
      cli.print(
        version,
        () => `Stored as version ${version.version} (serial ${version.serial}, ${version.resource_count} resources).`,
      );
    });

async function readState(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`Cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : code}.`, { code: 'file' });
  }
}
