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

/**
 * How fast passwords may be tried. In the database, so that replicas share it. A try counts before it is made: many at once get
 * no more than one after the other. Accounts that do not exist are counted like those that do.
 */
export function createSignInLimits(db: Executor) {
  /** Errors: `rate_limited`, with the time to wait. */
  async function take(account: string, address: string): Promise<void> {
    await takeOne(addressKey(address), ADDRESS);
    await takeOne(accountKey(account), ACCOUNT);
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
    const seconds = Math.max(1, wait.rows[0]?.seconds ?? 1);
    throw new AppError('rate_limited', `Too many tries to sign in; wait ${seconds} seconds.`, undefined, {
      retryAfterSeconds: seconds,
    });
  }

  /** A right password forgets the wrong ones before it; those of the address go on counting. */
  async function forgive(account: string): Promise<void> {
    await sql`DELETE FROM sign_in_limits WHERE key = ${accountKey(account)}`.execute(db);
  }

  const sweep = async (): Promise<void> =>
    void (await sql`DELETE FROM sign_in_limits WHERE empty_at < now()`.execute(db));

  return { take, forgive, sweep };
}

const accountKey = (account: string): string => sha256Hex(`account:${account.toLowerCase()}`);

/** Whoever has one IPv6 address has its whole /64. */
const addressKey = (address: string): string =>
  sha256Hex(`address:${isIPv6(address) && !address.startsWith('::ffff:') ? networkOf(address) : address}`);

function networkOf(address: string): string {
  const [head = '', tail = ''] = address.split('::');
  const [left, right] = [head.split(':').filter(Boolean), tail.split(':').filter(Boolean)];
  const zeros = address.includes('::') ? Array.from({ length: 8 - left.length - right.length }, () => '0') : [];
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
