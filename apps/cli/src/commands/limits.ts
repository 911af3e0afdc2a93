import type { Client } from '@groundcrew/client';
import { Permission, WorkspaceId } from '@groundcrew/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { collect } from '../command.ts';

/** What limits a credential, as options give it. */
export interface LimitOptions {
  scope?: Permission[];
  workspace?: string[];
}

function parseScope(text: string, before: readonly Permission[] = []): Permission[] {
  const scope = Permission.safeParse(text);
  if (!scope.success) throw new InvalidArgumentError(`It must be one of ${Permission.options.join(', ')}.`);
  return [...before, scope.data];
}

/** Adds `--scope` and `--workspace`, each of which may be given several times. */
export const addLimitOptions = (command: Command): Command =>
  command
    .option('--scope <permission>', 'only this permission; may be given several times', parseScope)
    .option('--workspace <workspace>', 'only on this workspace, by name or id; may be given several times', collect);

/** The limits as the API takes them, names of workspaces looked up. */
export async function toLimits(client: Client, { scope, workspace }: LimitOptions) {
  const ids = workspace && (await Promise.all(workspace.map((name) => findWorkspaceId(client, name))));
  return { ...(scope && { scopes: scope }), ...(ids && { workspace_ids: ids }) };
}

async function findWorkspaceId(client: Client, name: string): Promise<WorkspaceId> {
  const id = WorkspaceId.safeParse(name);
  return id.success ? id.data : (await client.call('getWorkspace', { params: { workspace_id: name } })).workspace_id;
}
