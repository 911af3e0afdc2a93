import { createReadStream } from 'node:fs';
import { ApiError, type Client, mayPass } from '@groundcrew/client';
import type { TaskId } from '@groundcrew/protocol';
import {
  type PostOutcome,
  type SpooledState,
  type StateUpstream,
  UpstreamRefusal,
  type UpstreamState,
} from '../relay/index.ts';

export interface StateUpstreamOptions {
  /** The nonce that stands in the journal's `intent`: LOCK is answered only to whoever asked for the permit. */
  nonce: () => string | undefined;
}

/** One try of each takes no longer; the relay answers 503 meanwhile and Terraform asks again. */
const TIMEOUT_MS = 20_000;

/** The relay's server, over the attempt's client. One try a call: whoever asks decides about the next one. */
export function createStateUpstream(client: Client, taskId: TaskId, { nonce }: StateUpstreamOptions): StateUpstream {
  const params = { task_id: taskId };
  return {
    lock: (lockId) =>
      refusing(async () => {
        const body = { lock_id: lockId, nonce: nonce() ?? '' };
        await client.call('lockState', { params, body }, { retry: 'never', timeoutMs: TIMEOUT_MS });
      }),
    get: () => refusing(() => getState(client, taskId)),
    post: (state) => postState(client, taskId, state),
  };
}

async function getState(client: Client, taskId: TaskId): Promise<UpstreamState | undefined> {
  try {
    const answer = await client.call(
      'getTaskState',
      { params: { task_id: taskId } },
      { retry: 'never', timeoutMs: TIMEOUT_MS },
    );
    const checksum = answer.header('x-content-sha256');
    return { body: answer.stream(), ...(checksum === undefined ? {} : { checksum }) };
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return undefined;
    throw error;
  }
}

async function postState(
  client: Client,
  taskId: TaskId,
  { path, size, checksum, name }: SpooledState,
): Promise<PostOutcome> {
  const headers = {
    'x-content-sha256': checksum,
    ...(name === undefined ? {} : { 'x-state-lineage': name.lineage, 'x-state-serial': name.serial }),
  };
  try {
    const raw = { open: () => createReadStream(path), size };
    const { standing } = await client.call(
      'postState',
      { params: { task_id: taskId }, raw },
      { retry: 'never', headers },
    );
    return standing === 'quarantined' || standing === 'discarded' ? 'quarantined' : 'stored';
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'quarantined' || error.code === 'fenced')) return 'quarantined';
    throw error instanceof ApiError && UNHEALABLE.has(error.code) ? new UpstreamRefusal(error.message) : error;
  }
}

/** Bytes that the server will never take, whatever happens to it. A wrong checksum is not one: the next try sends them again. */
const UNHEALABLE = new Set(['too_large', 'invalid_state', 'unauthenticated', 'not_found']);

/** A refusal that another try cannot change is the server's last word; all else passes. */
async function refusing<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof ApiError && !mayPass(error) ? new UpstreamRefusal(error.message) : error;
  }
}
