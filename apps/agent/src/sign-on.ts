import { ApiError, type Client } from '@groundcrew/client';
import type { Clock, Logger } from '@groundcrew/kit';
import type { Register, RegisterAnswer } from '@groundcrew/protocol';
import { sleepQuietly } from './wait.ts';

export interface SignOnDeps {
  /** A client that brings the long-lived token. */
  client: Client;
  body: () => Promise<Register>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

/** A token is renewed when this much of its life is left. */
const RENEW_AT_LEFT = 1 / 3;
const PAUSE_MS = { base: 500, cap: 15_000 };

/** Signs the agent on and keeps its short-lived token fresh. Silence of the server is waited out; a refusal that waiting cannot cure is thrown once. */
export function createSignOn(deps: SignOnDeps) {
  const { client, clock, logger, signal } = deps;
  let current: RegisterAnswer | undefined;
  let signing: Promise<RegisterAnswer> | undefined;

  async function register(): Promise<RegisterAnswer> {
    for (let failures = 0; ; failures += 1) {
      try {
        current = await client.call('registerAgent', { body: await deps.body() }, { retry: 'idempotent', signal });
        return current;
      } catch (error) {
        if (signal.aborted || isFinal(error)) throw error;
        logger.warn({ err: error }, 'signing on did not work; trying again');
        await sleepQuietly(clock, Math.min(PAUSE_MS.cap, PAUSE_MS.base * 2 ** failures), signal);
      }
    }
  }

  /** One registration at a time, whoever asks. */
  function signOn(): Promise<RegisterAnswer> {
    signing ??= register().finally(() => {
      signing = undefined;
    });
    return signing;
  }

  const isFresh = (answer: RegisterAnswer): boolean => Date.parse(answer.expires_at) - clock.now() > 60_000;

  return {
    signOn,
    /** A token that counts for a while yet. */
    token: async (): Promise<string> => (current !== undefined && isFresh(current) ? current : await signOn()).token,
    /** Renews in good time until the agent leaves. */
    async keepFresh(): Promise<void> {
      while (!signal.aborted) {
        const left = current === undefined ? 0 : Date.parse(current.expires_at) - clock.now();
        await sleepQuietly(clock, Math.max(1_000, left * (1 - RENEW_AT_LEFT)), signal);
        if (!signal.aborted)
          await signOn().catch((error) => logger.error({ err: error }, 'the token could not be renewed'));
      }
    },
  };
}
export type SignOn = ReturnType<typeof createSignOn>;

/** What only a person can cure: a wrong or revoked token, another pool, a twin. An agent that the server has forgotten is no such case: it registers. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && [400, 401, 403, 409, 422].includes(error.status);
