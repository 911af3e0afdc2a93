import type { ClientId, OrganizationId, PoolId, WorkspaceId } from '@groundcrew/protocol';
import type { Platform } from './build-platform.ts';
import { isReachedSecurely } from './configuration.ts';
import type { RecordChange } from './modules/audit/index.ts';
import { createClientsModule } from './modules/clients/index.ts';
import { createGrantsModule } from './modules/grants/index.ts';
import { createOidcModule, createProvider } from './modules/oidc/index.ts';
import type { createOrganisationsModule } from './modules/organisations/index.ts';
import { createFindWorkspace } from './modules/rights/index.ts';
import { createSignInModule, endSessions } from './modules/sign-in/index.ts';
import { createUsersModule, type RightsChanged } from './modules/users/index.ts';
import { toPersonRules } from './oidc-configuration.ts';
import { afterCommit } from './platform/database/index.ts';
import type { Credential, UserIdentity } from './platform/http/index.ts';

/** Tells every replica whose rights are others from now on. */
const RIGHTS_CHANNEL = 'rights';

export interface IdentityDeps {
  recordChange: RecordChange;
  organisations: ReturnType<typeof createOrganisationsModule>['service'];
  getPool: (organizationId: OrganizationId, id: PoolId) => Promise<unknown>;
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
  /** Cuts off every agent that registered with the client's key. */
  clientRevoked: (id: ClientId) => Promise<void>;
}

/** Who may do what: people, their credentials and roles, and how they get in. */
export function buildIdentity({ db, bus, hub, clock, logger, configuration }: Platform, deps: IdentityDeps) {
  const { recordChange, organisations, getPool, getWorkspaceId, clientRevoked } = deps;
  const rightsChanged: RightsChanged = (tx, ownerId) => afterCommit(tx, () => bus.publish(RIGHTS_CHANNEL, ownerId));
  bus.subscribe(RIGHTS_CHANNEL, hub.recheck, hub.recheck);

  const common = { db, recordChange, rightsChanged, now: clock.now };
  const { oidc, public_url: publicUrl } = configuration;
  const isSecure = isReachedSecurely(configuration);
  const clients = createClientsModule({ ...common, getPool, clientRevoked });
  const users = createUsersModule({ ...common, organisations, endSessions, getClient: clients.get });
  const signIn = createSignInModule({
    ...common,
    isSecure,
    users,
    oidc: oidc.issuer === undefined ? null : { name: oidc.name, path: '/api/v1/sign-in/oidc' },
  });
  const grants = createGrantsModule({ ...common, getWorkspaceId });
  const { issuer, client_id: clientId, client_secret: clientSecret, scopes } = oidc;
  const signOn = createOidcModule(
    issuer === undefined || clientId === undefined || publicUrl === undefined
      ? undefined
      : {
          ...common,
          isSecure,
          signIn,
          rules: toPersonRules(oidc),
          createsUsers: oidc.create_users,
          getOrganizationId: () => organisations.getIdByName(oidc.organization),
          provider: createProvider({
            ...{ issuer, clientId, clientSecret, scopes, now: clock.now },
            callbackUrl: `${publicUrl.replace(/\/+$/, '')}/api/v1/sign-in/oidc/callback`,
            onTrouble: (error) => logger.warn({ err: error }, 'signing on through the OpenID provider failed'),
          }),
        },
  );

  /** Who brings a credential that stands for a person or a machine client. */
  async function findUser(credential: Credential): Promise<UserIdentity | undefined> {
    if (credential.kind === 'bearer') return users.findIdentity(credential.token);
    return credential.kind === 'session' ? signIn.findIdentity(credential) : clients.findIdentity(credential);
  }

  return {
    users,
    findUser,
    findRegistrant: clients.findRegistrant,
    findPlace: createFindWorkspace(db),
    handlers: [users.handlers, signIn.handlers, grants.handlers, clients.handlers, signOn.handlers],
    /** Removes what has run out; for a loop. */
    async sweep(): Promise<void> {
      await signIn.sweep();
      await signOn.sweep();
    },
  };
}
