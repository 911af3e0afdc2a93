import type { SignInMethods } from '@groundcrew/protocol';
import { type Database, transaction } from '../../platform/database/index.ts';
import type { Handlers } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { RightsChanged, UsersModule } from '../users/index.ts';
import { deleteOldCodes, insertCode } from './code-store.ts';
import { createSignInLimits } from './limits.ts';
import { createPasswordHasher } from './password.ts';
import { createProver, type ProveDeps } from './prove.ts';
import { createSignInService } from './service.ts';
import { deleteOldSessions } from './session-store.ts';
import { createSessionsService } from './sessions.ts';

/** @internal */
export { createSignInLimits } from './limits.ts';
export { endSessions } from './session-store.ts';

export interface SignInModuleDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  now: () => number;
  isSecure: boolean;
  users: Pick<UsersModule, 'redeem' | 'issue' | 'revokeToken'>;
  /** The OpenID provider people may sign on through; null without one. */
  oidc: SignInMethods['oidc'];
}

/** Passwords, sessions, and what else proves who somebody is. */
export function createSignInModule({ users, oidc, isSecure, ...deps }: SignInModuleDeps) {
  const { db, recordChange } = deps;
  const hasher = createPasswordHasher();
  const limits = createSignInLimits(db, deps.now);
  const sessions = createSessionsService({ ...deps, isSecure });

  const noteFailure: ProveDeps['noteFailure'] = (account, request) => {
    const change = {
      caller: { kind: 'system', organizationId: account.organization_id, name: 'sign-in' },
      action: 'sign_in_failed',
      noun: 'user',
      subjectId: account.id,
      after: { address: request.address, request_id: request.id },
    } as const;
    // A wrong password is refused whether or not it can be written down.
    void transaction(db, (tx) => recordChange(tx, change)).catch(() => {});
  };
  const prover = createProver({ db, hasher, limits, redeem: users.redeem, noteFailure });
  const service = createSignInService({ ...deps, prover, hasher, limits, sessions, users });

  const handlers = {
    getSignInMethods: async () => ({ password: true, oidc }),
    signIn: ({ caller, body }) => service.signIn(caller.request, body),
    createSession: ({ caller, body }) => service.createSession(caller.request, body),
    getSession: ({ caller }) => service.getSession(caller),
    signOut: ({ caller }) => service.signOut(caller),
    listSessions: ({ caller, query }) => sessions.list(caller, query),
    endSession: ({ caller, params }) => sessions.end(caller, params.session_id),
    changePassword: ({ caller, body }) => service.changePassword(caller, body),
  } satisfies Partial<Handlers>;

  return {
    handlers,
    findIdentity: sessions.findByCookie,
    beginSession: service.beginSession,
    cookieOf: sessions.cookieOf,
    insertCode,
    takeSignOn: limits.takeSignOn,
    /** Removes what has run out; for a loop. */
    async sweep(): Promise<void> {
      await limits.sweep();
      await deleteOldCodes(db);
      await deleteOldSessions(db);
    },
  };
}
export type SignInModule = ReturnType<typeof createSignInModule>;
