import { sha256Hex } from '@groundcrew/kit';
import type { OrganizationRole } from '@groundcrew/protocol';
import type { Credential, Handlers, RegistrantIdentity, UserIdentity } from '../../platform/http/index.ts';
import { rightsOf } from '../users/index.ts';
import { type ClientsDeps, createClientsService } from './service.ts';
import { findProved } from './store.ts';

/** @internal */
export { findProved } from './store.ts';

type AppKey = Extract<Credential, { kind: 'app_key' }>;

/** Machine clients: what they may do themselves, and that they let agents into their pool. */
export function createClientsModule(deps: ClientsDeps) {
  const clients = createClientsService(deps);
  const prove = ({ key, secret }: AppKey) => findProved(deps.db, key, sha256Hex(secret));

  async function findIdentity(credential: AppKey): Promise<UserIdentity | undefined> {
    const client = await prove(credential);
    if (client === undefined) return undefined;
    const rights = rightsOf({ role: client.role, grants: null }, client);
    return {
      kind: 'user',
      organizationId: client.organization_id,
      userId: client.id,
      name: client.name,
      role: client.role as OrganizationRole,
      rights,
      permissions: rights.everywhere,
      via: { kind: 'client', id: client.id },
    };
  }

  /** One whose key names a pool may register agents there, whatever else it may do. */
  async function findRegistrant(credential: AppKey): Promise<RegistrantIdentity | undefined> {
    const client = await prove(credential);
    if (client === undefined || client.pool_id === null) return undefined;
    return {
      kind: 'registrant',
      organizationId: client.organization_id,
      agentId: null,
      poolId: client.pool_id,
      tokenId: client.id,
    };
  }

  const handlers = {
    listClients: ({ caller, query }) => clients.list(caller, query),
    createClient: ({ caller, body }) => clients.create(caller, body),
    getClient: ({ caller, params }) => clients.get(caller.organizationId, params.client_id),
    updateClient: ({ caller, params, body }) => clients.update(caller, params.client_id, body),
    rotateClient: ({ caller, params, body }) => clients.rotate(caller, params.client_id, body.overlap_seconds),
    revokeClient: ({ caller, params }) => clients.revoke(caller, params.client_id),
  } satisfies Partial<Handlers>;
  return { handlers, findIdentity, findRegistrant, get: clients.get };
}
