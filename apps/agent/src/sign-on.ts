import { ApiError, type Client } from '@groundcrew/client';
import { type Clock, createOutageLog, type Logger } from '@groundcrew/kit';
import type { Register, RegisterAnswer } from '@groundcrew/protocol';
import { decideSignOn, renewTokenAfterMs, type SignOnFailure, signOnPauseMs } from './decisions/index.ts';
import { sleepQuietly } from './wait.ts';

export interface SignOnDeps {
  /** A client that brings the long-lived token. */
  client: Client;
  body: () => Promise<Register>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Called when a try to sign on is going to be repeated. */
  onWaiting: () => void;
}

/** A token with less left than this is renewed before it is used. */
const FRESH_MS = 60_000;

/**
 * Signs the agent on and keeps its short-lived token fresh. Silence of the server is waited out, and so is a closed door, until
 * somebody opens it; a refusal that waiting cannot cure is thrown once.
 */
export function createSignOn(deps: SignOnDeps) {
  const { client, clock, logger, signal } = deps;
  let current: { answer: RegisterAnswer; until: number } | undefined;
  const sentences = { trouble: 'signing on did not work; trying again', recovery: 'signing on works again' };
  const outage = createOutageLog({ clock, logger, ...sentences });
  const door = createOutageLog({
    clock,
    logger,
    trouble: 'the server does not take this agent yet; it waits until somebody lets it in',
    recovery: 'the server takes this agent now',
  });
  let closedBecause: string | undefined;
  let signing: Promise<RegisterAnswer> | undefined;

  async function register(): Promise<RegisterAnswer> {
    for (let failures = 0; ; failures += 1) {
      try {
        const body = await deps.body();
        const askedAt = clock.now();
        const answer = await client.call('registerAgent', { body }, { retry: 'idempotent', signal });
        current = { answer, until: askedAt + lifeOf(answer, askedAt) };
        outage.worked();
        door.worked();
        closedBecause = undefined;
        return answer;
      } catch (error) {
        if (signal.aborted) throw error;
        waitOut(error);
        await sleepQuietly(clock, signOnPauseMs(failures), signal);
      }
    }
  }

  /** @throws the failure itself, where waiting cures nothing */
  function waitOut(error: unknown): void {
    const choice = decideSignOn(failureOf(error), 0);
    const isClosed = choice === 'wait_at_door';
    closedBecause = isClosed && error instanceof Error ? error.message : undefined;
    if (!isClosed && choice !== 'wait') throw error;
    // Two logs: else one trouble would go untold while the other lasts.
    (isClosed ? door : outage).failed(error);
    deps.onWaiting();
  }

  /** One registration at a time, whoever asks. */
  function signOn(): Promise<RegisterAnswer> {
    signing ??= register().finally(() => {
      signing = undefined;
    });
    return signing;
  }

  const leftMs = (): number => (current === undefined ? 0 : current.until - clock.now());

  return {
    signOn,
    /** Why the server does not take the agent as it is, while that is waited out. */
    closedBecause: (): string | undefined => closedBecause,
    /** Signs on with what the body says now, also when a sign-on is under way that began before. */
    async tellAnew(): Promise<void> {
      await signing?.catch(() => undefined);
      await signOn();
    },
    /** A token that counts for a while yet. */
    token: async (): Promise<string> =>
      current !== undefined && leftMs() > FRESH_MS ? current.answer.token : (await signOn()).token,
    /** Renews in good time until the agent leaves. */
    async keepFresh(): Promise<void> {
      let failures = 0;
      const noteFailure = (error: unknown): void => {
        failures += 1;
        outage.failed(error);
      };
      while (!signal.aborted) {
        const pauseMs = failures === 0 ? renewTokenAfterMs(leftMs()) : signOnPauseMs(failures);
        await sleepQuietly(clock, pauseMs, signal);
        if (signal.aborted) return;
        // Refused, it may be cured from outside: by a new token in the configuration, or at the server.
        await signOn().then(() => {
          failures = 0;
        }, noteFailure);
      }
    },
  };
}
export type SignOn = ReturnType<typeof createSignOn>;

/** How a sign-on failed; no status when there was no answer. */
export const failureOf = (error: unknown): SignOnFailure =>
  error instanceof ApiError ? { status: error.status, code: error.code } : { status: undefined };

/** How long the token counts. Told as a length of time, because the clock here may be wrong; older servers tell a point in time only. */
const lifeOf = ({ expires_in_seconds, expires_at }: RegisterAnswer, now: number): number =>
  expires_in_seconds === undefined ? Date.parse(expires_at) - now : expires_in_seconds * 1000;
