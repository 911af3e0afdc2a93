import { isIPv6 } from 'node:net';
import { sha256Hex } from '@groundcrew/kit';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';

/** A leaky bucket: so many tries at once, and one more each so often. */
interface Bucket {
  readonly tries: number;
  readonly everySeconds: number;
}

/** Per account: whoever forgot which password it was gets in; guessing gets 1,440 tries a day. */
const ACCOUNT: Bucket = { tries: 10, everySeconds: 60 };
/** Per address: an office behind one address can sign in; trying one password on many accounts is slow. */
const ADDRESS: Bucket = { tries: 60, everySeconds: 10 };

/** Sign-ons through a provider, per address. Nothing is guessed there: a whole office may begin its day at once. */
const SIGN_ON: Bucket = { tries: 120, everySeconds: 2 };
/** What all addresses together may ask of the provider and of the database: ten codes a second, in the long run. */
const PROVIDER: Bucket = { tries: 600, everySeconds: 0.1 };

/** The two halves of a sign-on, each with tries of its own: who began one can end it. */
export type SignOnStep = 'start' | 'callback';

/** More refused keys than these are not remembered. */
const MOST_REMEMBERED = 10_000;

/**
 * How fast passwords may be tried, and sign-ons through a provider. In the database, so that replicas share it. A try counts before
 * it is made: many at once get no more than one after the other. Accounts that do not exist are counted like those that do.
 *
 * @param now of this process; how long it refuses an address by itself, which saves the database a flood
 */
export function createSignInLimits(db: Executor, now: () => number) {
  /** Since when, and until when. A clock that is set back to before a refusal ends it. */
  const refused = new Map<string, { sinceMs: number; untilMs: number }>();

  /** Errors: `rate_limited`, with the time to wait. */
  async function take(account: string, address: string): Promise<void> {
    await takeRemembering(addressKey(address), ADDRESS);
    await takeOne(accountKey(account), ACCOUNT);
  }

  /** For one half of a sign-on through the provider; the provider is asked in the second. Errors: `rate_limited`. */
  async function takeSignOn(step: SignOnStep, address: string): Promise<void> {
    await takeRemembering(addressKey(address, `oidc ${step}`), SIGN_ON);
    if (step === 'callback') await takeRemembering(PROVIDER_KEY, PROVIDER);
  }

  /** As {@link takeOne}; once refused, the key is refused without another look until it may come back. Not for what is forgiven. */
  async function takeRemembering(key: string, bucket: Bucket): Promise<void> {
    const nowMs = now();
    const known = refused.get(key);
    if (known !== undefined && known.sinceMs <= nowMs && nowMs < known.untilMs)
      throw tooMany(Math.ceil((known.untilMs - nowMs) / 1000));
    refused.delete(key);
    try {
      await takeOne(key, bucket);
    } catch (error) {
      if (error instanceof AppError && error.retryAfterSeconds !== undefined) remember(key, error.retryAfterSeconds);
      throw error;
    }
  }

  function remember(key: string, seconds: number): void {
    if (refused.size >= MOST_REMEMBERED) refused.clear();
    const sinceMs = now();
    refused.set(key, { sinceMs, untilMs: sinceMs + seconds * 1000 });
  }

  async function takeOne(key: string, { tries, everySeconds }: Bucket): Promise<void> {
    const step = sql`make_interval(secs => ${everySeconds})`;
    const { rows } = await sql`INSERT INTO sign_in_limits AS l (key, empty_at) VALUES (${key}, now() + ${step})
      ON CONFLICT (key) DO UPDATE SET empty_at = greatest(l.empty_at, now()) + ${step}
      WHERE greatest(l.empty_at, now()) + ${step} <= now() + ${step} * ${tries} RETURNING 1`.execute(db);
    if (rows.length > 0) return;
    const wait = await sql<{
      seconds: number;
    }>`SELECT ceil(extract(epoch FROM empty_at + ${step} - ${step} * ${tries} - now()))::integer AS seconds
      FROM sign_in_limits WHERE key = ${key}`.execute(db);
    throw tooMany(Math.max(1, wait.rows[0]?.seconds ?? 1));
  }

  /** A right password forgets the wrong ones before it; those of the address go on counting. */
  async function forgive(account: string): Promise<void> {
    await sql`DELETE FROM sign_in_limits WHERE key = ${accountKey(account)}`.execute(db);
  }

  const sweep = async (): Promise<void> =>
    void (await sql`DELETE FROM sign_in_limits WHERE empty_at < now()`.execute(db));

  return { take, takeSignOn, forgive, sweep };
}

const tooMany = (seconds: number): AppError =>
  new AppError('rate_limited', `Too many tries to sign in; wait ${seconds} seconds.`, undefined, {
    retryAfterSeconds: seconds,
  });

const accountKey = (account: string): string => sha256Hex(`account:${account.toLowerCase()}`);

const PROVIDER_KEY = sha256Hex('oidc provider');

/** Whoever has one IPv6 address has its whole /64. */
const addressKey = (address: string, what = 'address'): string =>
  sha256Hex(`${what}:${isIPv6(address) && !address.startsWith('::ffff:') ? networkOf(address) : address}`);

function networkOf(address: string): string {
  const [head = '', tail = ''] = address.split('::');
  const [left, right] = [head.split(':').filter(Boolean), tail.split(':').filter(Boolean)];
  const zeros = address.includes('::') ? Array.from({ length: 8 - left.length - right.length }, () => '0') : [];
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
