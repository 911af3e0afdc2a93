import type {
  ApiTokenCreated,
  ApiTokenId,
  CurrentSession,
  OrganizationId,
  PasswordChange,
  SessionCreate,
  SignIn,
  UserId,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import {
  AppError,
  csrfTokenOf,
  notFound,
  type RequestInfo,
  type UserCaller,
  type Via,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import {
  demandPerson,
  demandReach,
  findUser,
  presentUser,
  type RightsChanged,
  rightsOf,
  type UserRow,
  type UsersModule,
} from '../users/index.ts';
import type { createSignInLimits } from './limits.ts';
import type { PasswordHasher } from './password.ts';
import { findPasswordHash, savePasswordHash } from './password-store.ts';
import type { Prover, Way } from './prove.ts';
import { endSessions } from './session-store.ts';
import { currentOf, type SessionsService } from './sessions.ts';

export interface SignInDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  prover: Prover;
  hasher: PasswordHasher;
  limits: ReturnType<typeof createSignInLimits>;
  sessions: SessionsService;
  users: Pick<UsersModule, 'issue' | 'revokeToken'>;
}

/** How people get in and out: for an API token, for a session, and with which password. */
export function createSignInService(deps: SignInDeps) {
  const { db, recordChange, rightsChanged, prover, hasher, limits, sessions, users } = deps;

  const signIn = (request: RequestInfo, body: SignIn): Promise<ApiTokenCreated> =>
    prover.prove(body, request, async (tx, user, way) => {
      const token = await users.issue(tx, user, body.token_name ?? 'signed in');
      const caller = toCaller(user, { kind: 'token', id: token.id }, request);
      await record(tx, caller, 'token', token.id, way);
      return token;
    });

  /** Begins a session in a transaction that has found out who it is; gives its secret. */
  async function beginSession(tx: Executor, user: UserRow, request: RequestInfo, way: Way | 'oidc'): Promise<string> {
    const { id, secret } = await sessions.begin(tx, user, request);
    await record(tx, toCaller(user, { kind: 'session', id, secret }, request), 'session', id, way);
    return secret;
  }

  async function createSession(request: RequestInfo, body: SessionCreate): Promise<CurrentSession> {
    const secret = await prover.prove(body, request, (tx, user, way) => beginSession(tx, user, request, way));
    request.setCookie(sessions.cookieOf(secret));
    const identity = await sessions.findIdentity(secret);
    if (identity === undefined) throw new AppError('unauthenticated', 'The session was ended as soon as it had begun.');
    return getSession({ ...identity, request });
  }

  const record = (
    tx: Executor,
    caller: UserCaller,
    noun: 'token' | 'session',
    subjectId: string,
    way: Way | 'oidc',
  ): Promise<void> =>
    recordChange(tx, { caller, action: 'sign_in', noun, subjectId, subjectName: caller.name, after: { way } });

  /** The session the call is made with. Errors: `not_found` when it came with another credential. */
  async function getSession(caller: UserCaller): Promise<CurrentSession> {
    const { via, organizationId } = caller;
    if (via.kind !== 'session')
      throw new AppError('not_found', 'This call is not made with a session but with another credential.');
    const [session, user] = await Promise.all([
      sessions.get(organizationId, via.id, via.id),
      findUser(db, organizationId, demandPerson(caller)),
    ]);
    if (user === undefined) throw notFound('user', caller.userId);
    return { session, user: presentUser(user), csrf_token: csrfTokenOf(via.secret) };
  }

  /** Ends what the call is made with. */
  async function signOut(caller: UserCaller): Promise<{ signed_out: boolean }> {
    demandPerson(caller);
    if (caller.via.kind === 'session') {
      await sessions.end(caller, caller.via.id);
      caller.request.setCookie(sessions.noCookie());
    } else await users.revokeToken(caller, caller.via.id as ApiTokenId);
    return { signed_out: true };
  }

  /** Sets or changes the caller's password. Whoever else is signed in as them is no more; API tokens stay. */
  async function changePassword(caller: UserCaller, { current_password, new_password }: PasswordChange): Promise<void> {
    const id = demandPerson(caller);
    await demandUnlimited(caller, id);
    const stored = (await findPasswordHash(db, id)) ?? null;
    if (stored !== null) await demandPassword(caller, id, current_password, stored);
    const hash = await hasher.hash(new_password);
    await transaction(db, async (tx) => {
      if (!(await savePasswordHash(tx, id, hash, stored)))
        throw new AppError('conflict', 'The password was changed by somebody else just now; try again.');
      await endSessions(tx, id, currentOf(caller) ?? undefined);
      rightsChanged(tx, id);
      await recordChange(tx, {
        caller,
        action: 'change_password',
        noun: 'user',
        subjectId: id,
        subjectName: caller.name,
      });
    });
  }

  /** A password opens everything its owner may do: a credential that is limited sets none. */
  async function demandUnlimited(caller: UserCaller, id: UserId): Promise<void> {
    const user = await findUser(db, caller.organizationId, id);
    if (user === undefined) throw notFound('user', id);
    demandReach(caller, user);
  }

  /** A session that somebody else got hold of is no way to the password: trying it is counted like signing in. */
  async function demandPassword(
    caller: UserCaller,
    id: UserId,
    given: string | undefined,
    stored: string,
  ): Promise<void> {
    if (given === undefined)
      throw new AppError('forbidden', 'You have a password; give it as current_password to change it.');
    await limits.take(id, caller.request.address);
    if (!(await hasher.verify(given, stored))) throw new AppError('forbidden', 'This is not your current password.');
    await limits.forgive(id);
  }

  return { signIn, beginSession, createSession, getSession, signOut, changePassword };
}

function toCaller(user: UserRow, via: Via, request: RequestInfo): UserCaller {
  const rights = rightsOf(user);
  return {
    kind: 'user',
    organizationId: user.organization_id as OrganizationId,
    userId: user.id as UserId,
    name: user.name,
    role: user.role as UserCaller['role'],
    rights,
    permissions: rights.everywhere,
    via,
    request,
  };
}
