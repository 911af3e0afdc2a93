import { randomBytes } from 'node:crypto';
import { newId } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { type Database, type Executor, outsideTransaction } from '../database/index.ts';
import { KEY_BYTES } from './aead.ts';
import { EncryptionError } from './encryption-error.ts';
import type { MasterKey } from './master-key.ts';

interface DataKey {
  id: string;
  key: Buffer;
}

/** The keys that values are sealed with, some per organisation, kept wrapped by the master key. */
export interface DataKeys {
  /** The one to seal with; made when the organisation has none. */
  current(organizationId: OrganizationId): Promise<DataKey>;
  /** One that something was sealed with, also when it is retired. Errors: `unknown_data_key`. */
  get(organizationId: OrganizationId, id: string): Promise<DataKey>;
  /** Makes the first one in the transaction that makes the organisation. */
  create(executor: Executor, organizationId: OrganizationId): Promise<DataKey>;
}

/** Unwrapped keys held at once; beyond that the oldest goes. */
const MAX_HELD = 1_000;

interface KeyRow {
  id: string;
  wrapped: Buffer;
}

export function createDataKeys(db: Database, masterKey: MasterKey): DataKeys {
  const currents = createCache<DataKey>();
  const byId = createCache<DataKey>();
  const contextOf = (organizationId: string, id: string) => ['data key', organizationId, id];

  async function create(executor: Executor, organizationId: OrganizationId): Promise<DataKey> {
    const id = newId('key');
    const key = randomBytes(KEY_BYTES);
    const wrapped = await masterKey.wrap(key, contextOf(organizationId, id));
    await executor.insertInto('data_keys').values({ id, organization_id: organizationId, wrapped }).execute();
    return { id, key };
  }

  async function unwrap(organizationId: OrganizationId, { id, wrapped }: KeyRow): Promise<DataKey> {
    const key = await masterKey.unwrap(wrapped, contextOf(organizationId, id));
    if (key === undefined)
      throw new EncryptionError(
        'wrong_master_key',
        `Data key ${id} was not wrapped by the master key in ${masterKey.source}.`,
      );
    return { id, key };
  }

  /** Two replicas that find none make two; both stay good, and the newer one is taken from the next start on. */
  async function loadCurrent(organizationId: OrganizationId): Promise<DataKey> {
    const row = await findNewest(db, organizationId);
    return row === undefined ? create(db, organizationId) : unwrap(organizationId, row);
  }

  async function load(organizationId: OrganizationId, id: string): Promise<DataKey> {
    const row = await find(db, organizationId, id);
    if (row === undefined)
      throw new EncryptionError(
        'unknown_data_key',
        `There is no data key ${id} in ${organizationId}; what it sealed cannot be opened.`,
      );
    return unwrap(organizationId, row);
  }

  // A key has to last whatever becomes of the transaction in which it is first needed: it may seal other things meanwhile.
  return {
    create,
    current: (organizationId) =>
      currents(organizationId, () => outsideTransaction(db, () => loadCurrent(organizationId))),
    get: (organizationId, id) =>
      byId(`${organizationId}/${id}`, () => outsideTransaction(db, () => load(organizationId, id))),
  };
}

const find = (db: Executor, organizationId: OrganizationId, id: string): Promise<KeyRow | undefined> =>
  db
    .selectFrom('data_keys')
    .select(['id', 'wrapped'])
    .where('id', '=', id)
    .where('organization_id', '=', organizationId)
    .executeTakeFirst();

const findNewest = (db: Executor, organizationId: OrganizationId): Promise<KeyRow | undefined> =>
  db
    .selectFrom('data_keys')
    .select(['id', 'wrapped'])
    .where('organization_id', '=', organizationId)
    .where('retired_at', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();

/** Remembers what was loaded, and lets those who ask meanwhile wait for the same load. A failed one is forgotten. */
function createCache<T>() {
  const held = new Map<string, Promise<T>>();
  return (name: string, load: () => Promise<T>): Promise<T> => {
    const found = held.get(name);
    if (found !== undefined) return found;
    const loading = load();
    held.set(name, loading);
    loading.catch(() => held.delete(name));
    const [oldest] = held.keys();
    if (held.size > MAX_HELD && oldest !== undefined) held.delete(oldest);
    return loading;
  };
}
