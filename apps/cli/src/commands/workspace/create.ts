import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand } from '../../command.ts';
import { toFields, type WorkspaceSettings, withSettings } from './settings.ts';

export const workspaceCreate = (cli: Cli): Command =>
  withSettings(
    createCommand('create', 'Add a workspace', cli, [
      'workspace create network',
      'workspace create network --pool eu-west --terraform-version 1.11.4 --auto-approve',
    ]).argument('<name>', 'letters, digits, ".", "_" and "-"'),
  ).action(async (name: string, settings: WorkspaceSettings) => {
    const client = await cli.client();
    const workspace = await client.call('createWorkspace', { body: { name, ...(await toFields(settings, client)) } });
    cli.print(workspace, () => `Created workspace ${cli.style.bold(workspace.name)}.`);
    cli.note(`Plan and apply a folder in it: ${cli.name} apply ${workspace.name} --dir <folder>`);
  });
