import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type {
  ClientId,
  MachineClient,
  MachineClientCreate,
  MachineClientCreated,
  MachineClientUpdate,
  OrganizationId,
  OrganizationRole,
  Page,
  PageQuery,
  PoolId,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { decodeCursor, demandPermission, notFound, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { demandWithin, type Limits, type RightsChanged, rightsOf } from '../users/index.ts';
import * as store from './store.ts';

export interface ClientsDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  now: () => number;
  /** Throws not-found unless the pool is the organisation's. */
  getPool: (organizationId: OrganizationId, id: PoolId) => Promise<unknown>;
  /** Cuts off every agent that registered with the client's key. */
  clientRevoked: (id: ClientId) => Promise<void>;
}

const DAY_MS = 86_400_000;
const KEY_PREFIX = 'app_';
const SECRET_PREFIX = 'gcm_';

/** Programs that come with a key and a secret of their own. Only hashes of secrets are kept. */
export function createClientsService(deps: ClientsDeps) {
  const { db, recordChange, rightsChanged, now, getPool } = deps;
  const inDays = (days: number | null): Date | null => (days === null ? null : new Date(now() + days * DAY_MS));

  async function get(organizationId: OrganizationId, id: ClientId): Promise<MachineClient> {
    const row = await store.findClient(db, organizationId, id);
    if (row === undefined) throw notFound('machine client', id);
    return presentClient(row);
  }

  /** One that the caller may change, held until the transaction ends. Its key may let agents into a pool: that is reach, too. */
  async function hold(tx: Executor, caller: UserCaller, id: ClientId): Promise<store.ClientRow> {
    const row = await store.holdClient(tx, caller.organizationId, id);
    if (row === undefined) throw notFound('machine client', id);
    demandReach(caller, row);
    if (row.pool_id !== null) demandPermission(caller, 'pool:write');
    return row;
  }

  async function list(caller: UserCaller, { limit, cursor }: PageQuery): Promise<Page<MachineClient>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const rows = await store.listClients(db, caller.organizationId, after, limit + 1);
    return toPage(rows, limit, presentClient, ({ name }) => name);
  }

  /** Whoever gives a key for a pool lets agents into it. */
  async function checkPool(caller: UserCaller, poolId: PoolId | null | undefined): Promise<void> {
    if (poolId === null || poolId === undefined) return;
    demandPermission(caller, 'pool:write');
    await getPool(caller.organizationId, poolId);
  }

  async function create(caller: UserCaller, body: MachineClientCreate): Promise<MachineClientCreated> {
    demandReach(caller, body);
    await checkPool(caller, body.pool_id);
    const [id, secret] = [newId('client') as ClientId, `${SECRET_PREFIX}${newSecret()}`];
    const { name, description, role, pool_id } = body;
    await transaction(db, async (tx) => {
      await store.insertClient(tx, {
        ...{ id, name, description, role, pool_id },
        ...limitColumns(body),
        organization_id: caller.organizationId,
        app_key: `${KEY_PREFIX}${newSecret().slice(0, 24)}`,
        secret_hash: sha256Hex(secret),
        created_by: caller.name,
        expires_at: inDays(body.expires_in_days),
      });
      await record(tx, caller, 'create', { id, name }, { after: body });
    });
    return { ...(await get(caller.organizationId, id)), app_secret: secret };
  }

  async function update(caller: UserCaller, id: ClientId, changes: MachineClientUpdate): Promise<MachineClient> {
    await checkPool(caller, changes.pool_id);
    await transaction(db, async (tx) => {
      const before = await hold(tx, caller, id);
      const { scopes, workspace_ids, expires_in_days, ...plain } = changes;
      demandReach(caller, { ...before, ...given({ scopes, workspace_ids, role: plain.role }) });
      await store.updateClient(tx, id, {
        ...given(plain),
        ...limitColumns({ scopes, workspace_ids }),
        ...(expires_in_days !== undefined && { expires_at: inDays(expires_in_days) }),
      });
      const changed = Object.keys(changes).filter((key) => key in before) as (keyof store.ClientRow)[];
      const old = Object.fromEntries(changed.map((key) => [key, before[key]]));
      await record(tx, caller, 'update', { id, name: plain.name ?? before.name }, { before: old, after: changes });
    });
    return get(caller.organizationId, id);
  }

  /** A new secret; the one until now works on for `overlapSeconds`. */
  async function rotate(caller: UserCaller, id: ClientId, overlapSeconds: number): Promise<MachineClientCreated> {
    const secret = `${SECRET_PREFIX}${newSecret()}`;
    await transaction(db, async (tx) => {
      const { name } = await hold(tx, caller, id);
      await store.rotateSecret(tx, id, sha256Hex(secret), overlapSeconds);
      await record(tx, caller, 'rotate', { id, name }, { after: { overlap_seconds: overlapSeconds } });
    });
    return { ...(await get(caller.organizationId, id)), app_secret: secret };
  }

  /** Ends it at once, with the sockets of the agents that registered with it. */
  async function revoke(caller: UserCaller, id: ClientId): Promise<void> {
    await transaction(db, async (tx) => {
      const { name, role, pool_id } = await hold(tx, caller, id);
      await store.updateClient(tx, id, { revoked_at: new Date(now()) });
      await record(tx, caller, 'revoke', { id, name }, { before: { name, role, pool_id } });
    });
    await deps.clientRevoked(id);
  }

  async function record(
    tx: Executor,
    caller: UserCaller,
    action: string,
    { id, name }: { id: ClientId; name: string },
    values: { before?: unknown; after?: unknown },
  ): Promise<void> {
    rightsChanged(tx, id);
    await recordChange(tx, { caller, action, noun: 'client', subjectId: id, subjectName: name, ...values });
  }

  return { get, list, create, update, rotate, revoke };
}

const demandReach = (caller: UserCaller, client: Limits & { role: string }): void =>
  demandWithin(caller, rightsOf({ role: client.role, grants: null }, client), client.role as OrganizationRole);

const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

const limitColumns = ({ scopes, workspace_ids }: Partial<{ [K in keyof Limits]: Limits[K] | undefined }>) => ({
  ...(scopes !== undefined && { scopes: scopes && JSON.stringify(scopes) }),
  ...(workspace_ids !== undefined && { workspace_ids: workspace_ids && JSON.stringify(workspace_ids) }),
});

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

const presentClient = ({ organization_id: _, ...row }: store.ClientRow): MachineClient =>
  ({
    ...row,
    previous_secret_until: iso(row.previous_secret_until),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    expires_at: iso(row.expires_at),
    last_used_at: iso(row.last_used_at),
    revoked_at: iso(row.revoked_at),
  }) as MachineClient;
