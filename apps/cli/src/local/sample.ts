import { fileURLToPath } from 'node:url';
import { ApiError, type Client } from '@groundcrew/client';
import type { Task, Tool, Workspace } from '@groundcrew/protocol';
import { pushFolder } from '../archive/push-folder.ts';
import type { Cli } from '../cli.ts';

export const SAMPLE = 'hello';
const FOLDER = fileURLToPath(new URL('../../../../examples/hello/', import.meta.url));

/**
 * Makes the sample workspace with its configuration and asks for its first apply, as far as that has not happened yet: it may
 * have been interrupted anywhere. Undefined when there was nothing left to ask for.
 */
export async function startSample(cli: Cli, client: Client, tool: Tool): Promise<Task | undefined> {
  const workspace = await makeWorkspace(client, tool);
  const { items } = await client.call('listTasks', { query: { workspace_id: workspace.workspace_id, limit: 1 } });
  if (items.length > 0) return undefined;
  if (workspace.configuration_id === null)
    await pushFolder(cli, client, { workspace: SAMPLE, dir: FOLDER, quiet: true });
  const body = {
    workspace_id: SAMPLE,
    task_type: 'plan_and_apply',
    auto_approve: true,
    message: 'first start',
  } as const;
  return client.call('createTask', { body });
}

async function makeWorkspace(client: Client, tool: Tool): Promise<Workspace> {
  const body = { name: SAMPLE, tool, description: 'A sample to try things out; see examples/hello' };
  try {
    return await client.call('createWorkspace', { body });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'name_taken') throw error;
    return client.call('getWorkspace', { params: { workspace_id: SAMPLE } });
  }
}
