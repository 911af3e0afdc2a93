import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { receiveFile } from '../folder/index.ts';
import type { Journal } from '../journal/index.ts';
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
 * LOCK is answered only by the server (it marks the permit used), and so is the first GET after it. From then on the truth is
 * on disk, whether the server can be reached or not: Terraform reads once more before it writes for the first time, and must
 * not wait with what it has done for a server that is away. UNLOCK frees nothing but Terraform.
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
  /** Told of every state before Terraform goes on with it, so that its secrets are known before they can be printed. */
  onState: (path: string) => Promise<void>;
  /** Makes room, if there is any to be made: a state found none. */
  onDiskFull: () => Promise<void>;
}

const OK: RelayAnswer = { status: 200 };
const NO_STATE = sentence(404, 'The workspace has no state yet.');

export function createRelayVerbs({
  stateDir,
  spool,
  forwarder,
  upstream,
  journal,
  onState,
  onDiskFull,
}: RelayVerbsDeps): RelayVerbs {
  // A state lock is only written down under a permit: it tells as much, should the permit's own entry be damaged.
  let applying = journal.find('permitted') !== undefined || journal.find('locked') !== undefined;
  const lockId = () => journal.find('locked')?.id;
  const fetched = join(stateDir, 'fetched');

  async function get(): Promise<RelayAnswer> {
    const newest = spool.newest();
    if (newest !== undefined) return { status: 200, body: newest };
    const read = journal.find('read') ?? (await fetch());
    if (read instanceof UpstreamRefusal) return sentence(409, read.message);
    return read.size === null ? NO_STATE : { status: 200, body: { path: fetched, size: read.size } };
  }

  /** The state is whole on disk before a byte of it is given on: Terraform does not ask again for what broke off half-way. */
  async function fetch(): Promise<{ size: number | null } | UpstreamRefusal> {
    const state = await orRefusal(() => upstream.get());
    if (state instanceof UpstreamRefusal) return state;
    // There is a file if and only if there is a state: a plan tells by it what it was made from.
    if (state === undefined) await rm(fetched, { force: true });
    const read = { size: state === undefined ? null : (await receiveFile(state.body, fetched, state.checksum)).size };
    if (state !== undefined) await onState(fetched);
    // Under its lock nobody else's state can become current, so the answer holds for the rest of the apply.
    if (lockId() !== undefined) await journal.write('read', read);
    return read;
  }

  async function post(
    body: Readable,
    request: { lockId: string | null; md5: string | undefined },
  ): Promise<RelayAnswer> {
    if (!applying) return sentence(409, 'A plan writes no state.');
    if (request.lockId === null || request.lockId !== lockId())
      return sentence(409, 'The state is locked by another id.');
    const { path } = await makingRoom(() => spool.add(body, request.md5));
    forwarder.wake();
    await onState(path);
    return OK;
  }

  /** What did not fit is sent again by Terraform, and finds the room that was made for it. */
  async function makingRoom<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') await onDiskFull();
      throw error;
    }
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
