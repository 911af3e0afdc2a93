import { ApiError } from '@groundcrew/client';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import type { Task, TaskId, WorkspaceId } from '@groundcrew/protocol';
import { packFiles } from '../harness/index.ts';
import type { Bed } from './bed.ts';

/** A task that somebody asked for. */
export interface AskedTask {
  readonly id: TaskId;
  readonly label: string;
  readonly workspaceId: WorkspaceId;
}

/** A sensitive variable of the environment. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

export const newToken = (): Secret => ({ name: 'CHAOS_TOKEN', value: `tok-${newSecret(18)}` });

/** How calls are made that have to get through whatever happens to the server. */
export interface Patience {
  readonly retry: 'until_answered';
  readonly signal?: AbortSignal;
}
export const PATIENT: Patience = { retry: 'until_answered' };

export interface WorkspaceWish {
  readonly name: string;
  readonly secret: Secret;
  readonly timeouts?: { readonly plan_timeout_seconds: number; readonly apply_timeout_seconds: number };
}

/** After these a thing may be there or not: a conflict over the key, and a body that a stopped server found too slow. */
const isOpen = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 'conflict' || error.message.includes('too slowly'));

/**
 * Makes something that must be made once. A crash between its commit and its answer leaves a call with a conflict that says
 * nothing of the thing itself: then it is looked for, and made anew only when it is not there.
 */
async function makeOnce<T>(make: () => Promise<T>, find: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    try {
      return await make();
    } catch (error) {
      if (!isOpen(error)) throw error;
      const found = await find();
      if (found !== undefined) return found;
    }
  }
}

const ANEW = async (): Promise<undefined> => undefined;

/** A new workspace on the bed's pool, with a sensitive variable that its tasks see in their environment. */
export async function openWorkspace(
  bed: Bed,
  { name, secret, timeouts }: WorkspaceWish,
  patience = PATIENT,
): Promise<WorkspaceId> {
  const placement = { execution_mode: 'agent', agent_pool_id: bed.pool.id } as const;
  const newName = () => `${name}-${newSecret(3).replaceAll(/[^a-z0-9]/gi, 'x')}`;
  const make = () =>
    bed.client.call('createWorkspace', { body: { name: newName(), ...placement, ...timeouts } }, patience);
  const { workspace_id } = await makeOnce(make, ANEW);
  const params = { workspace_id };
  const body = { key: secret.name, value: secret.value, category: 'env', sensitive: true } as const;
  await makeOnce(
    () => bed.client.call('createVariable', { params, body }, patience),
    async () => (await bed.client.call('listVariables', { params }, patience)).items[0],
  );
  return workspace_id;
}

export interface TaskWish {
  readonly label: string;
  readonly workspaceId: WorkspaceId;
  readonly files: Readonly<Record<string, string>>;
  readonly type?: 'plan' | 'plan_and_apply';
  readonly autoApprove?: boolean;
}

/** Asks for a task with a configuration of its own. */
export async function askFor({ client }: Bed, wish: TaskWish, patience = PATIENT): Promise<AskedTask> {
  const { label, workspaceId, files, type = 'plan_and_apply', autoApprove = true } = wish;
  const archive = await packFiles(files);
  const params = { workspace_id: workspaceId };
  const headers = { 'x-content-sha256': sha256Hex(archive) };
  const upload = { ...patience, timeoutMs: 10_000 };
  const configuration = await makeOnce(
    () => client.call('uploadConfiguration', { params, headers, raw: archive }, upload),
    ANEW,
  );
  const body = {
    workspace_id: workspaceId,
    task_type: type,
    auto_approve: autoApprove,
    configuration_id: configuration.id,
    message: label,
  };
  const query = { workspace_id: workspaceId };
  const { id } = await makeOnce(
    () => client.call('createTask', { body }, patience),
    async () => (await client.call('listTasks', { query }, patience)).items.find(({ message }) => message === label),
  );
  return { id, label, workspaceId };
}

export const readTask = ({ client }: Bed, id: TaskId, patience = PATIENT): Promise<Task> =>
  client.call('getTask', { params: { task_id: id } }, patience);
