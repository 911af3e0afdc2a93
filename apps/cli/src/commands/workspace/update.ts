import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../cli-error.ts';
import { createCommand } from '../../command.ts';
import { formatWorkspace } from '../../present/workspace.ts';
import { toFields, type WorkspaceSettings, withSettings } from './settings.ts';

export const workspaceUpdate = (cli: Cli): Command =>
  withSettings(
    createCommand('update', 'Change settings of a workspace', cli, [
      'workspace update network --terraform-version 1.11.4',
      'workspace update network --rename networks --no-auto-approve',
    ])
      .argument('<workspace>', 'name or id')
      .option('--rename <name>', 'give it another name'),
  ).action(async (workspace: string, { rename, ...settings }: WorkspaceSettings & { rename?: string }) => {
    const client = await cli.client();
    const body = { ...(await toFields(settings, client)), ...(rename === undefined ? {} : { name: rename }) };
    if (Object.keys(body).length === 0) throw usageError('Nothing to change was given; see --help for the settings.');
    const updated = await client.call('updateWorkspace', { params: { workspace_id: workspace }, body });
    cli.print(updated, () => formatWorkspace(updated, cli.style));
  });
