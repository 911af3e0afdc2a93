import { join } from 'node:path';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import type { Configuration, VariableCreate, Workspace, WorkspaceCreate } from '@groundcrew/protocol';
import { type Entry, packEntries, packFiles, readFolder } from './archive.ts';
import { ROOT } from './bundles.ts';
import type { RunningServer } from './server.ts';

type Input<T> = { [K in keyof T]?: T[K] | undefined };

/** A new workspace with a name of its own; `pool` makes its tasks run on that pool's agents. */
export function createWorkspace(
  { client }: RunningServer,
  { pool, ...settings }: Omit<Input<WorkspaceCreate>, 'name'> & { pool?: { id: Workspace['agent_pool_id'] } } = {},
): Promise<Workspace> {
  const placement = pool === undefined ? {} : { execution_mode: 'agent' as const, agent_pool_id: pool.id };
  const body = { name: `w-${newSecret(6).replaceAll(/[^a-z0-9]/gi, 'x')}`, ...placement, ...settings };
  return client.call('createWorkspace', { body: body as WorkspaceCreate });
}

/** Uploads an archive as the workspace's newest configuration. */
export function pushArchive(
  { client }: RunningServer,
  workspace: Workspace,
  archive: Uint8Array,
  checksum = sha256Hex(archive),
): Promise<Configuration> {
  return client.call('uploadConfiguration', {
    params: { workspace_id: workspace.workspace_id },
    headers: { 'x-content-sha256': checksum },
    raw: archive,
  });
}

export const pushEntries = async (server: RunningServer, workspace: Workspace, entries: readonly Entry[]) =>
  pushArchive(server, workspace, await packEntries(entries));

export const pushFiles = async (
  server: RunningServer,
  workspace: Workspace,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<Configuration> => pushArchive(server, workspace, await packFiles(files));

/** Uploads one of the repository's examples. */
export const pushExample = (server: RunningServer, workspace: Workspace, name: string): Promise<Configuration> =>
  pushFiles(server, workspace, readFolder(join(ROOT, 'examples', name)));

export async function setVariable(
  { client }: RunningServer,
  workspace: Workspace,
  variable: Input<VariableCreate> & { key: string; value: string },
): Promise<void> {
  await client.call('createVariable', {
    params: { workspace_id: workspace.workspace_id },
    body: variable as VariableCreate,
  });
}
