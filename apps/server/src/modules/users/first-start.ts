import { newId } from '@groundcrew/kit';
import type { ApiTokenCreated, OrganizationId, UserId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { presentToken } from './present.ts';
import { findTokenHash } from './token.ts';
import { DAY_MS, makeToken, SIGN_IN_DAYS } from './token-service.ts';
import { insertToken, revokeTokensOf, useSignInToken, wasEverUsed } from './token-store.ts';
import { findFirstOwner, findUser, insertUser, type UserRow } from './user-store.ts';

export interface FirstStartDeps {
  db: Database;
  recordChange: RecordChange;
  now: () => number;
  /** The first organisation, made when there is none. */
  ensureOrganization: (tx: Executor) => Promise<OrganizationId>;
}

export interface FirstStart {
  organizationId: OrganizationId;
  /** To be shown to whoever started the server; null once somebody has signed in. */
  signInToken: string | null;
}

/** Replicas that start together take turns. Any number that nothing else locks. */
const FIRST_START_LOCK = 7_402_161_906;
const FIRST_USER = 'admin';
const FIRST_SIGN_IN = 'first sign-in';
/** Life of the API token that signing in gives. */
const API_TOKEN_DAYS = 365;

/** How the first person gets in, and what a one-time token is good for. */
export function createFirstStart({ db, recordChange, now, ensureOrganization }: FirstStartDeps) {
  /**
   * Makes sure that there is an organisation and an owner, and gives a sign-in token until a credential was really used: a
   * token that was printed and lost, or an answer that never arrived, must not lock everybody out.
   *
   * @param always gives one even then, for an owner who has lost their token
   */
  async function prepareFirstStart(always = false): Promise<FirstStart> {
    return transaction(db, async (tx) => {
      await sql`SELECT pg_advisory_xact_lock(${FIRST_START_LOCK})`.execute(tx);
      const organizationId = await ensureOrganization(tx);
      const owner = await ensureOwner(tx, organizationId, 'first start');
      if (!always && (await wasEverUsed(tx))) return { organizationId, signInToken: null };
      return { organizationId, signInToken: await makeSignInToken(tx, owner) };
    });
  }

  /**
   * A sign-in token for the first owner of an organisation, who is made when there is none.
   *
   * @param by who does it, for the audit log
   */
  async function inviteOwner(organizationId: OrganizationId, by: string): Promise<string> {
    return transaction(db, async (tx) => {
      const owner = await ensureOwner(tx, organizationId, by);
      await recordChange(tx, {
        caller: { kind: 'system', organizationId, name: by },
        action: 'invite',
        noun: 'user',
        subjectId: owner.id,
        subjectName: owner.name,
      });
      return makeSignInToken(tx, owner);
    });
  }

  async function makeSignInToken(tx: Executor, owner: UserRow): Promise<string> {
    const { row, text } = makeToken(
      { organizationId: owner.organization_id, userId: owner.id },
      { name: FIRST_SIGN_IN, kind: 'sign_in', expiresAt: new Date(now() + SIGN_IN_DAYS * DAY_MS) },
    );
    await insertToken(tx, row);
    return text;
  }

  const ensureOwner = async (tx: Executor, organizationId: OrganizationId, by: string): Promise<UserRow> =>
    (await findFirstOwner(tx, organizationId)) ?? makeFirstUser(tx, organizationId, by);

  async function makeFirstUser(tx: Executor, organizationId: OrganizationId, by: string): Promise<UserRow> {
    const id = newId('user') as UserId;
    await insertUser(tx, { id, organization_id: organizationId, name: FIRST_USER, email: null, role: 'owner' });
    await recordChange(tx, {
      caller: { kind: 'system', organizationId, name: by },
      action: 'create',
      noun: 'user',
      subjectId: id,
      subjectName: FIRST_USER,
      after: { role: 'owner' },
    });
    return (await findUser(tx, organizationId, id)) as UserRow;
  }

  /**
   * Uses a sign-in token up and tells whose it was; undefined when it is not valid. In one transaction with what it is traded
   * for: it is used up if and only if that is made.
   */
  async function redeem(tx: Executor, text: string): Promise<UserRow | undefined> {
    const hash = findTokenHash('sign_in', text);
    const used = hash === undefined ? undefined : await useSignInToken(tx, hash);
    if (used === undefined) return undefined;
    const user = await findUser(tx, used.organization_id as OrganizationId, used.user_id as UserId);
    // What earlier starts printed, into whatever log, is of no use any more.
    if (user !== undefined && used.name === FIRST_SIGN_IN) await revokeTokensOf(tx, user.id as UserId, FIRST_SIGN_IN);
    return user;
  }

  /** An API token for somebody who has just proved who they are. */
  async function issue(tx: Executor, user: UserRow, name: string): Promise<ApiTokenCreated> {
    const { row, text } = makeToken(
      { organizationId: user.organization_id, userId: user.id },
      { name, kind: 'api', expiresAt: new Date(now() + API_TOKEN_DAYS * DAY_MS) },
    );
    return { ...presentToken(await insertToken(tx, row)), token: text };
  }

  return { prepareFirstStart, inviteOwner, redeem, issue };
}
