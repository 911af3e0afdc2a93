import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { pushFolder } from '../archive/push-folder.ts';
import type { Cli } from '../cli.ts';
import { createCommand } from '../command.ts';

export const push = (cli: Cli): Command =>
  createCommand('push', 'Send a folder as the newest configuration of a workspace', cli, [
    'push examples/hello',
    'push infra/network --workspace network-prod',
  ])
    .argument('<dir>', 'folder with Terraform code; what .terraformignore lists stays here')
    .option('-w, --workspace <workspace>', "name or id; default the folder's own name")
    .option('--message <text>', 'what others read')
    .action(async (dir: string, { workspace, message }: { workspace?: string; message?: string }) => {
      const client = await cli.client();
      const target = workspace ?? basename(resolve(cli.io.cwd, dir));
      const configuration = await pushFolder(cli, client, { workspace: target, dir, ...(message && { message }) });
      cli.print(configuration, () => `Configuration ${configuration.number} of ${target}.`);
    });
