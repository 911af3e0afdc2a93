import { type ErrorCode, type HeartbeatAnswer, OLDEST_RUNNER_LINK_VERSION } from '@groundcrew/protocol';
import type { CrewEvent } from './events.ts';

/** How work comes: by command socket, by long poll, or the socket with the poll as fallback. */
export type LinkMode = 'auto' | 'push' | 'pull';

/** How long the command socket may be down before work is pulled instead, in mode auto. @internal */
export const FALL_BACK_AFTER_MS = 10_000;

/** Whether to ask for work by long poll now. @param downSince when the socket went down; undefined while it is up. */
export const decidePull = (mode: LinkMode, downSince: number | undefined, now: number): boolean =>
  mode === 'pull' || (mode === 'auto' && downSince !== undefined && now - downSince > FALL_BACK_AFTER_MS);

/**
 * What the server's wishes mean to the crew, as it answers hellos and heartbeats. They are levels, so hearing them twice or late
 * does no harm. `fenced` is left to the runner, which hears it with its own renewal and delivers what is left; and an attempt
 * that the server believes here, but is not, is left to its lease.
 */
export function decideWishes({ attempts, drain }: Pick<HeartbeatAnswer, 'attempts' | 'drain'>): CrewEvent[] {
  const cancels = attempts
    .filter(({ cancel_level }) => cancel_level > 0)
    .map(({ attempt_id, cancel_level }): CrewEvent => ({ kind: 'cancel', attemptId: attempt_id, level: cancel_level }));
  return drain ? [...cancels, { kind: 'drain', reason: 'the server asked for it' }] : cancels;
}

/** What came of signing on: status and code of a refusal, or undefined when there was no answer. */
export interface SignOnFailure {
  status: number | undefined;
  code?: ErrorCode | undefined;
}

/**
 * - `wait`: silence, or a fault of the server's: it is waited out, whatever runs goes on.
 * - `wait_at_door`: the pool does not take the agent as it is. A person lifts that at the server, so nobody has to come back here.
 * - `exit`: only a person can cure it, and nothing is held.
 * - `drain`: the same, but attempts are held: their runners speak for themselves and may need successors, so the agent stays for them.
 */
export type SignOnChoice = 'wait' | 'wait_at_door' | 'exit' | 'drain';

/** Statuses that only a person can cure, and on this host: a wrong or revoked token, another pool, a twin. */
const FINAL: ReadonlySet<number> = new Set([400, 401, 403, 409, 422]);

export function decideSignOn({ status, code }: SignOnFailure, held: number): SignOnChoice {
  if (code === 'not_admitted') return 'wait_at_door';
  if (status === undefined || !FINAL.has(status)) return 'wait';
  return held > 0 ? 'drain' : 'exit';
}

const SIGN_ON_PAUSE = { baseMs: 500, capMs: 15_000 };
/** Between two tries to sign on. */
export const signOnPauseMs = (failures: number): number =>
  Math.min(SIGN_ON_PAUSE.capMs, SIGN_ON_PAUSE.baseMs * 2 ** Math.min(failures, 16));

/** A short-lived token is renewed when this much of its life is left; a clock that is wrong must not make it a busy loop. */
const RENEW_AT_LEFT = 1 / 3;
const RENEW_PAUSE = { minMs: 1_000, maxMs: 24 * 3_600_000 };

/** When to renew a token that counts for `lifeMs` from now on. */
export const renewTokenAfterMs = (lifeMs: number): number =>
  Math.min(RENEW_PAUSE.maxMs, Math.max(RENEW_PAUSE.minMs, Math.round(lifeMs * (1 - RENEW_AT_LEFT))));

/** What can be said to a runner of this version of the link. */
export interface Talk {
  /** Too old a runner is left alone: it comes to its end by itself, and a successor of today delivers what is left. */
  understood: boolean;
  /** It knows `server`, and moves when the server has. */
  hearsOfServer: boolean;
}

export const decideTalk = (version: number): Talk => ({
  understood: version >= OLDEST_RUNNER_LINK_VERSION,
  hearsOfServer: version >= 2,
});
