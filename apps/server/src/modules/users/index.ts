import type { Organization, OrganizationId } from '@groundcrew/protocol';
import type { Database, Executor } from '../../platform/database/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { createUserHandlers } from './routes.ts';
import { createSignIn } from './sign-in.ts';
import { createTokenService } from './token-service.ts';
import { createUserService } from './user-service.ts';

/** @internal */
export { ROLE_PERMISSIONS } from './policy.ts';

export interface UsersDeps {
  db: Database;
  recordChange: RecordChange;
  now: () => number;
  organisations: {
    get: (id: OrganizationId) => Promise<Organization>;
    ensureFirst: (tx: Executor) => Promise<OrganizationId>;
  };
}

/** People, their roles, their API tokens, and how they sign in. */
export function createUsersModule({ db, recordChange, now, organisations }: UsersDeps) {
  const users = createUserService({ db, recordChange });
  const tokens = createTokenService({ db, recordChange, now });
  const signIn = createSignIn({ db, recordChange, now, ensureOrganization: organisations.ensureFirst });
  return {
    handlers: createUserHandlers({ users, tokens, signIn, getOrganization: organisations.get }),
    /** Who brings this API token; undefined when it is not valid. */
    findIdentity: tokens.findIdentity,
    prepareFirstStart: signIn.prepareFirstStart,
    inviteOwner: signIn.inviteOwner,
  };
}
