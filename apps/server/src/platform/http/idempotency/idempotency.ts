import { createHmac } from 'node:crypto';
import { type Clock, newId } from '@groundcrew/kit';
import type { Executor } from '../../database/index.ts';
import { AppError } from '../app-error.ts';
import type { UserIdentity } from '../caller.ts';
import type { Claim } from './claim.ts';
import {
  claimKey,
  commitClaim,
  deleteOldKeys,
  type KeyOwner,
  type NewClaim,
  releaseClaim,
  type StoredKey,
  storeAnswer,
} from './store.ts';

export interface IdempotencyDeps {
  db: Executor;
  clock: Clock;
  /** Requests are compared by a keyed hash: from a plain one, a short secret among them could be guessed. The same on all replicas. */
  hashKey: Buffer;
  /** Told when an answer could not be stored or a key not be given back; the call itself is not disturbed by that. */
  onTrouble: (error: unknown) => void;
}

/** One call that carries an `Idempotency-Key`. */
export interface KeyedCall {
  caller: UserIdentity;
  key: string;
  route: string;
  /** Everything that makes it this request and no other. */
  request: unknown;
  /** The answer holds a token's text, which is kept nowhere. */
  isSecret: boolean;
}

/** Status and JSON body of an answer. */
export interface KeyedAnswer {
  status: number;
  body: unknown;
}

/** A claim that has changed nothing for so long belongs to a server that died; a live one is fenced by the claim's id. */
const STALE_AFTER_SECONDS = 30;
const NEVER_SECONDS = 1_000_000_000;
/** How long a duplicate waits for the answer of the first before it is told to come back. */
const WAIT_MS = 5_000;
const POLL_MS = 50;
/** Keys are kept for a day. */
const KEY_LIFE_SECONDS = 86_400;

/**
 * Makes a repeated call harmless. The key is claimed before the handler runs; the handler's own transaction marks it as done
 * (through `recordChange`); the answer is stored after that. A crash before the mark lets the next try run anew, a crash after
 * it is answered by a conflict that says the change was made: never twice, and never a lie.
 */
export function createIdempotency({ db, clock, hashKey, onTrouble }: IdempotencyDeps) {
  /** Keys that this process is working on: never stale, however long that takes. */
  const underWay = new Set<string>();

  async function run(call: KeyedCall, carryOut: (claim: Claim) => Promise<KeyedAnswer>): Promise<KeyedAnswer> {
    const owner: KeyOwner = { organizationId: call.caller.organizationId, callerId: call.caller.userId, key: call.key };
    const claim = {
      claimId: newId('claim'),
      route: call.route,
      requestHash: createHmac('sha256', hashKey)
        .update(JSON.stringify([call.route, call.request]))
        .digest('hex'),
    };
    const replay = await claimOrWait(owner, claim);
    if (replay !== undefined) return replay;
    underWay.add(nameOf(owner));
    try {
      return await carryOutClaimed(call, owner, claim, carryOut);
    } finally {
      underWay.delete(nameOf(owner));
    }
  }

  /** Undefined once the claim is ours; the first request's answer when it has one. */
  async function claimOrWait(owner: KeyOwner, claim: NewClaim): Promise<KeyedAnswer | undefined> {
    for (const giveUpAt = clock.now() + WAIT_MS; ; await clock.sleep(POLL_MS)) {
      const stored = await claimKey(
        db,
        owner,
        claim,
        underWay.has(nameOf(owner)) ? NEVER_SECONDS : STALE_AFTER_SECONDS,
      );
      if (stored.claimId === claim.claimId) return undefined;
      const replay = findReplay(stored, claim);
      if (replay !== undefined) return replay;
      if (clock.now() >= giveUpAt || stored.isStale) throw stillOpen(stored);
    }
  }

  async function carryOutClaimed(
    call: KeyedCall,
    owner: KeyOwner,
    { claimId }: NewClaim,
    carryOut: (claim: Claim) => Promise<KeyedAnswer>,
  ): Promise<KeyedAnswer> {
    try {
      const answer = await carryOut({ commit: (tx) => commit(tx, owner, claimId) });
      await storeAnswer(db, owner, claimId, answer.status, call.isSecret ? null : (answer.body ?? null)).catch(
        onTrouble,
      );
      return answer;
    } catch (error) {
      await releaseClaim(db, owner, claimId).catch(onTrouble);
      throw error;
    }
  }

  return {
    run,
    /** Removes keys past their life; for a loop. */
    sweep: (): Promise<void> => deleteOldKeys(db, KEY_LIFE_SECONDS),
  };
}
export type Idempotency = ReturnType<typeof createIdempotency>;

const nameOf = (owner: KeyOwner): string => JSON.stringify(owner);

async function commit(tx: Executor, owner: KeyOwner, claimId: string): Promise<void> {
  if (await commitClaim(tx, owner, claimId)) return;
  throw new AppError(
    'conflict',
    'Another request with this Idempotency-Key took over while this one was slow; this one changed nothing.',
    undefined,
    { retryAfterSeconds: 2 },
  );
}

/** The answer of the request that had the key before, or undefined while it has none. */
function findReplay(stored: StoredKey, claim: NewClaim): KeyedAnswer | undefined {
  if (stored.requestHash !== claim.requestHash)
    throw new AppError(
      'idempotency_mismatch',
      'This Idempotency-Key was used before with another request; use a new key.',
    );
  if (stored.status === null) return undefined;
  if (stored.body === null && stored.status !== 204)
    throw new AppError(
      'conflict',
      'The request with this Idempotency-Key was carried out; its answer held a secret, which is shown only once. Revoke that one and make another.',
    );
  return { status: stored.status, body: stored.body ?? undefined };
}

const stillOpen = ({ committed }: StoredKey): AppError =>
  committed
    ? new AppError(
        'conflict',
        'The request with this Idempotency-Key was carried out, but the server was interrupted before it kept the answer; look at the thing itself.',
      )
    : new AppError(
        'conflict',
        'Another request with this Idempotency-Key is still under way; ask again in a moment.',
        undefined,
        { retryAfterSeconds: 2 },
      );
