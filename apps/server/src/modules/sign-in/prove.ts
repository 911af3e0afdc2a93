import { createHash } from 'node:crypto';
import { sha256Hex } from '@groundcrew/kit';
import type { OrganizationId, SignIn, UserId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, type RequestInfo } from '../../platform/http/index.ts';
import { findUser, type UserRow } from '../users/index.ts';
import { takeCode } from './code-store.ts';
import type { createSignInLimits } from './limits.ts';
import { isOutdated, type PasswordHasher } from './password.ts';
import { type Account, findAccounts, holdPasswordHash, savePasswordHash } from './password-store.ts';

/** By which of the ways somebody proved who they are. */
export type Way = 'sign_in_token' | 'password' | 'code';

export interface ProveDeps {
  db: Database;
  hasher: PasswordHasher;
  limits: ReturnType<typeof createSignInLimits>;
  /** Uses a one-time sign-in token up. */
  redeem: (tx: Executor, text: string) => Promise<UserRow | undefined>;
  /** Notes a wrong password of somebody there is. Nobody waits for it: the answer must not take longer for them. */
  noteFailure: (account: Account, request: RequestInfo) => void;
}

const NOT_VALID: Readonly<Record<Way, string>> = {
  sign_in_token:
    'The sign-in token is not valid: it works once, and for a day. Ask an administrator for another, or restart the server if nobody has signed in yet.',
  password: 'Name and password do not belong together, or there is no such user.',
  code: 'The code is not valid: it works once, for two minutes, with the verifier it was asked for. Sign in again.',
};

type Password = Extract<SignIn, { password: string }>;

/**
 * What names and addresses are made of. Anything else is nobody's, and is not looked up: PostgreSQL folds letters such as İ to an
 * ASCII one where JavaScript does not, so that one account would have many logins, each with tries of its own.
 */
const PLAIN = /^[\x20-\x7e]+$/;

/** Finds out who somebody is by what they bring, and makes what they get for it in the same transaction. */
export function createProver({ db, hasher, limits, redeem, noteFailure }: ProveDeps) {
  /** Errors: `unauthenticated`, the same whatever is wrong; `rate_limited` for passwords. */
  async function prove<T>(
    proof: SignIn,
    request: RequestInfo,
    make: (tx: Executor, user: UserRow, way: Way) => Promise<T>,
  ): Promise<T> {
    const way: Way = 'password' in proof ? 'password' : 'code' in proof ? 'code' : 'sign_in_token';
    const account = 'password' in proof ? await checkPassword(proof, request) : undefined;
    return transaction(db, async (tx) => {
      const user =
        'sign_in_token' in proof
          ? await redeem(tx, proof.sign_in_token)
          : 'code' in proof
            ? await redeemCode(tx, proof.code, proof.code_verifier)
            : account && (await findUnchanged(tx, account));
      if (user === undefined) throw new AppError('unauthenticated', NOT_VALID[way]);
      return make(tx, user, way);
    });
  }

  async function checkPassword(
    { login, password, organization }: Password,
    request: RequestInfo,
  ): Promise<Account | undefined> {
    await limits.take(login, request.address);
    const accounts = PLAIN.test(login) ? await findAccounts(db, login, organization) : [];
    // Of several organisations' people of one name none is meant; they have to say which.
    const account = accounts.length === 1 ? accounts[0] : undefined;
    const stored = account?.password_hash ?? undefined;
    if (!(await hasher.verify(password, stored))) {
      if (account !== undefined) noteFailure(account, request);
      return undefined;
    }
    await limits.forgive(login);
    return account && renewHash(account, password);
  }

  /** A hash made with other costs is made anew, now that the password is at hand. */
  async function renewHash(account: Account, password: string): Promise<Account> {
    const { id, password_hash: stored } = account;
    if (stored === null || !isOutdated(stored)) return account;
    const renewed = await hasher.hash(password);
    return (await savePasswordHash(db, id, renewed, stored)) ? { ...account, password_hash: renewed } : account;
  }

  /** The user, if the password that was just compared is still theirs. */
  async function findUnchanged(tx: Executor, { id, organization_id, password_hash }: Account) {
    return (await holdPasswordHash(tx, id)) === password_hash ? findUser(tx, organization_id, id) : undefined;
  }

  async function redeemCode(tx: Executor, code: string, verifier: string): Promise<UserRow | undefined> {
    const taken = await takeCode(tx, sha256Hex(code));
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (taken === undefined || taken.code_challenge !== challenge) return undefined;
    return findUser(tx, taken.organization_id as OrganizationId, taken.user_id as UserId);
  }

  return { prove };
}
export type Prover = ReturnType<typeof createProver>;
