import type { ClientId, MachineClient, Organization, OrganizationId, UserId } from '@groundcrew/protocol';
import type { Database, Executor } from '../../platform/database/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { createFirstStart } from './first-start.ts';
import { createUserHandlers } from './routes.ts';
import { createTokenService } from './token-service.ts';
import { createUserService, type RightsChanged } from './user-service.ts';

export {
  demandPerson,
  demandWithin,
  IDENTITY,
  type IdentityRow,
  isLiving,
  isLivingOrganization,
  type Limits,
  rightsOf,
  toIdentity,
} from './identity.ts';
export { presentUser } from './present.ts';
/** @internal */
export { findTokenOwner, revokeTokensOf, useSignInToken } from './token-store.ts';
export { demandReach, isLastOwner, type RightsChanged } from './user-service.ts';
export { findUser, insertUser, lockUsers, type UserRow, updateUser } from './user-store.ts';

export interface UsersDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  now: () => number;
  organisations: {
    get: (id: OrganizationId) => Promise<Organization>;
    ensureFirst: (tx: Executor) => Promise<OrganizationId>;
  };
  endSessions: (tx: Executor, userId: UserId) => Promise<void>;
  getClient: (organizationId: OrganizationId, id: ClientId) => Promise<MachineClient>;
}

/** People, their roles in the organisation, and their API tokens. */
export function createUsersModule({ organisations, endSessions, getClient, ...deps }: UsersDeps) {
  const users = createUserService({ ...deps, endSessions });
  const tokens = createTokenService(deps);
  const { prepareFirstStart, inviteOwner, redeem, issue } = createFirstStart({
    ...deps,
    ensureOrganization: organisations.ensureFirst,
  });
  return {
    handlers: createUserHandlers({ users, tokens, getClient, getOrganization: organisations.get }),
    /** Who brings this API token; undefined when it is not valid. */
    findIdentity: tokens.findIdentity,
    revokeToken: tokens.revoke,
    prepareFirstStart,
    inviteOwner,
    redeem,
    issue,
  };
}
export type UsersModule = ReturnType<typeof createUsersModule>;
