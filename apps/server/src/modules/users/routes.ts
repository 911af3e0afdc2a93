import type {
  ClientId,
  MachineClient,
  Me,
  Organization,
  OrganizationId,
  Permission,
  UserId,
} from '@groundcrew/protocol';
import type { Handlers, UserCaller } from '../../platform/http/index.ts';
import type { TokenService } from './token-service.ts';
import type { UserService } from './user-service.ts';

export interface UserRoutesDeps {
  users: UserService;
  tokens: TokenService;
  getOrganization: (id: OrganizationId) => Promise<Organization>;
  getClient: (organizationId: OrganizationId, id: ClientId) => Promise<MachineClient>;
}

const sorted = (permissions: ReadonlySet<Permission>): Permission[] => [...permissions].sort();

export function createUserHandlers({ users, tokens, getOrganization, getClient }: UserRoutesDeps) {
  async function me({ organizationId, userId, rights, via }: UserCaller): Promise<Me> {
    const isClient = via.kind === 'client';
    const [organization, user, client] = await Promise.all([
      getOrganization(organizationId),
      isClient ? null : users.get(organizationId, userId as UserId),
      isClient ? getClient(organizationId, via.id) : null,
    ]);
    const workspaces = [...rights.onWorkspaces].map(([id, permissions]) => ({
      workspace_id: id,
      permissions: sorted(permissions),
    }));
    return { organization, user, client, permissions: sorted(rights.everywhere), workspaces };
  }

  return {
    getMe: ({ caller }) => me(caller),
    listUsers: ({ caller, query }) => users.list(caller.organizationId, query),
    createUser: ({ caller, body }) => users.create(caller, body),
    getUser: ({ caller, params }) => users.get(caller.organizationId, params.user_id),
    updateUser: ({ caller, params, body }) => users.update(caller, params.user_id, body),
    deleteUser: ({ caller, params }) => users.remove(caller, params.user_id),
    listTokens: ({ caller, query }) => tokens.list(caller, query),
    createToken: ({ caller, body }) => tokens.create(caller, body),
    revokeToken: ({ caller, params }) => tokens.revoke(caller, params.token_id),
  } satisfies Partial<Handlers>;
}
