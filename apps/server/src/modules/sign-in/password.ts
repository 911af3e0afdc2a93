import { argon2 as argon2Callback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AppError } from '../../platform/http/index.ts';

const argon2 = promisify(argon2Callback);

/**
 * Costs of argon2id: 19 MiB and two passes on one lane, the second of OWASP's equivalent choices (Password Storage Cheat Sheet).
 * Less memory than the first, so that a small server stands many sign-ins at once; about 30 ms of one core. Hashes made with
 * other costs stay valid and are made anew when their owner next signs in.
 */
interface Costs {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}
const COSTS: Costs = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** So many hashes are made at once; the others wait, so that sign-ins never take all of libuv's threads. */
const AT_ONCE = 2;
/** More than these waiting, and whoever comes is asked to come back. */
const MOST_WAITING = 100;

/** Makes and compares password hashes in the PHC format, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
export function createPasswordHasher() {
  const waiting: (() => void)[] = [];
  let busy = 0;
  let decoy: Promise<string> | undefined;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (waiting.length >= MOST_WAITING)
      throw new AppError('unavailable', 'Too many people sign in just now; try again in a moment.');
    if (busy >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy -= 1;
      else next();
    }
  }

  async function hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return format(COSTS, salt, await inTurn(() => derive(password, salt, COSTS, HASH_BYTES)));
  }

  /**
   * Whether it is the password. Without a hash, because there is no such user or they have no password, the work is the same
   * and the answer no: nobody can tell the two apart.
   */
  async function verify(password: string, stored: string | undefined): Promise<boolean> {
    decoy ??= hash(randomBytes(SALT_BYTES).toString('hex'));
    const { costs, salt, expected } = parse(stored ?? (await decoy));
    const derived = await inTurn(() => derive(password, salt, costs, expected.length));
    return timingSafeEqual(derived, expected) && stored !== undefined;
  }

  return { hash, verify };
}
export type PasswordHasher = ReturnType<typeof createPasswordHasher>;

/** Whether a hash should be made anew, since it was made with other costs. */
export function isOutdated(stored: string): boolean {
  const { costs } = parse(stored);
  return format(costs, Buffer.alloc(0), Buffer.alloc(0)) !== format(COSTS, Buffer.alloc(0), Buffer.alloc(0));
}

/** A password is what the user typed, in one Unicode form: keyboards differ in how they compose an ü. */
const derive = (password: string, nonce: Buffer, { memory, passes, parallelism }: Costs, tagLength: number) =>
  argon2('argon2id', {
    message: Buffer.from(password.normalize('NFKC')),
    nonce,
    memory,
    passes,
    parallelism,
    tagLength,
  });

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

const format = ({ memory, passes, parallelism }: Costs, salt: Buffer, hash: Buffer): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(hash)}`;

function parse(stored: string): { costs: Costs; salt: Buffer; expected: Buffer } {
  const found = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored);
  if (found === null) throw new Error('A stored password hash is not an argon2id one in the PHC format.');
  const [, memory, passes, parallelism, salt = '', hash = ''] = found;
  return {
    costs: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    expected: Buffer.from(hash, 'base64'),
  };
}
