import type { Me, Organization, OrganizationId } from '@groundcrew/protocol';
import type { Handlers, UserCaller } from '../../platform/http/index.ts';
import type { createSignIn } from './sign-in.ts';
import type { TokenService } from './token-service.ts';
import type { UserService } from './user-service.ts';

export interface UserRoutesDeps {
  users: UserService;
  tokens: TokenService;
  signIn: ReturnType<typeof createSignIn>;
  getOrganization: (id: OrganizationId) => Promise<Organization>;
}

export function createUserHandlers({ users, tokens, signIn, getOrganization }: UserRoutesDeps) {
  async function me(caller: UserCaller): Promise<Me> {
    const [organization, user] = await Promise.all([
      getOrganization(caller.organizationId),
      users.get(caller.organizationId, caller.userId),
    ]);
    return { organization, user, permissions: [...caller.permissions].sort() };
  }

  return {
    signIn: ({ caller, body }) => signIn.signIn(caller, body),
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
