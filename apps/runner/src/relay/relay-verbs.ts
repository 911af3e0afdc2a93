import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Journal } from '../journal/journal.ts';
import { findLockBody, refusalBody } from './lock-body.ts';
import type { StateForwarder } from './state-forwarder.ts';
import type { StateSpool } from './state-spool.ts';
import { type StateUpstream, UpstreamRefusal } from './upstream.ts';

/** What Terraform is told. A body is a text, or a file on disk. */
export interface RelayAnswer {
  status: number;
  body?: string | { path: string; size: number };
  retryAfterSeconds?: number;
}

/** An answer in words; Terraform shows them where it shows any. */
export const sentence = (status: number, text: string): RelayAnswer => ({ status, body: `${text}\n` });

/**
 * What the relay answers to each request of Terraform's. A call that throws is answered with 503, and Terraform asks again.
 *
 * Before the apply, LOCK and UNLOCK are answered here and GET by the server; nothing can be written. From `allowApply` on,
 * LOCK is answered only by the server (it marks the permit used) and so is GET, until Terraform has written a state: from then
 * on the newest one on disk is the truth, whether the server can be reached or not. UNLOCK frees nothing but Terraform.
 */
export interface RelayVerbs {
  get(): Promise<RelayAnswer>;
  post(body: Readable, request: { lockId: string | null; md5: string | undefined }): Promise<RelayAnswer>;
  lock(body: string): Promise<RelayAnswer>;
  unlock(body: string): RelayAnswer;
  /** The attempt has its permit. */
  allowApply(): void;
}

export interface RelayVerbsDeps {
  /** Where a state from the server is kept while Terraform reads it. */
  stateDir: string;
  spool: StateSpool;
  forwarder: Pick<StateForwarder, 'wake'>;
  upstream: Pick<StateUpstream, 'lock' | 'get'>;
  journal: Journal;
}

const OK: RelayAnswer = { status: 200 };

export function createRelayVerbs({ stateDir, spool, forwarder, upstream, journal }: RelayVerbsDeps): RelayVerbs {
  let applying = journal.find('permitted') !== undefined;
  const lockId = () => journal.find('locked')?.id;

  async function get(): Promise<RelayAnswer> {
    const newest = spool.newest();
    if (newest !== undefined) return { status: 200, body: newest };
    const state = await orRefusal(() => upstream.get());
    if (state instanceof UpstreamRefusal) return sentence(409, state.message);
    if (state === undefined) return sentence(404, 'The workspace has no state yet.');
    return { status: 200, body: await keep(state.body, join(stateDir, 'fetched'), state.checksum) };
  }

  async function post(
    body: Readable,
    request: { lockId: string | null; md5: string | undefined },
  ): Promise<RelayAnswer> {
    if (!applying) return sentence(409, 'A plan writes no state.');
    if (request.lockId === null || request.lockId !== lockId())
      return sentence(409, 'The state is locked by another id.');
    await spool.add(body, request.md5);
    forwarder.wake();
    return OK;
  }

  async function lock(body: string): Promise<RelayAnswer> {
    const wanted = findLockBody(body);
    if (wanted === undefined) return sentence(400, 'LOCK needs a body with an ID.');
    if (!applying) return OK;
    const held = journal.find('locked');
    if (held !== undefined && held.id !== wanted.id) return { status: 423, body: held.info };
    if (held === undefined) {
      const refusal = await orRefusal(() => upstream.lock(wanted.id));
      if (refusal instanceof UpstreamRefusal) return { status: 423, body: refusalBody(refusal.message) };
      await journal.write('locked', wanted);
    }
    return OK;
  }

  function unlock(body: string): RelayAnswer {
    const wanted = findLockBody(body);
    const foreign = applying && wanted !== undefined && wanted.id !== lockId();
    return foreign ? sentence(409, 'The state is locked by another id.') : OK;
  }

  return {
    get,
    post,
    lock,
    unlock,
    allowApply() {
      applying = true;
    },
  };
}

async function orRefusal<T>(call: () => Promise<T>): Promise<T | UpstreamRefusal> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof UpstreamRefusal) return error;
    throw error;
  }
}

/** Has the whole state on disk before a byte of it is given on: Terraform does not ask again for what broke off half-way. */
async function keep(
  body: Readable,
  path: string,
  checksum: string | undefined,
): Promise<{ path: string; size: number }> {
  const hash = createHash('sha256');
  body.on('data', (chunk: Buffer) => hash.update(chunk));
  await pipeline(body, createWriteStream(path, { mode: 0o600 }));
  if (checksum !== undefined && checksum !== hash.digest('hex'))
    throw new Error('the state from the server arrived damaged');
  return { path, size: (await stat(path)).size };
}
