import { randomBytes } from 'node:crypto';
import { newId } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, outsideTransaction, transaction } from '../database/index.ts';
import { KEY_BYTES } from './aead.ts';
import { createCache } from './cache.ts';
import { EncryptionError } from './encryption-error.ts';
import type { MasterKeys } from './master-keys.ts';
import { unwrapSecret, wrapSecret } from './wrapping.ts';

interface DataKey {
  id: string;
  key: Buffer;
}

/** The keys that values are sealed with, some per organisation, kept wrapped by a master key. */
export interface DataKeys {
  /** The one to seal with; made when the organisation has none. Known anew after {@link CURRENT_HELD_MS}. */
  current(organizationId: OrganizationId): Promise<DataKey>;
  /** One that something was sealed with, also when it is retired. Errors: `unknown_data_key`, `wrong_master_key`. */
  get(organizationId: OrganizationId, id: string): Promise<DataKey>;
  /** Makes the first one in the transaction that makes the organisation. */
  create(tx: Executor, organizationId: OrganizationId): Promise<DataKey>;
}

/** How long after a rotation a replica may still seal with the retired key, which goes on opening what it sealed. */
export const CURRENT_HELD_MS = 5_000;

interface KeyRow {
  id: string;
  wrapped: Buffer;
}

export const contextOfDataKey = (organizationId: string, id: string): string[] => ['data key', organizationId, id];

/** @param now milliseconds of a clock, for how long the current keys are held */
export function createDataKeys(db: Database, masterKeys: MasterKeys, now: () => number): DataKeys {
  const currents = createCache<DataKey>(now, CURRENT_HELD_MS);
  const byId = createCache<DataKey>(now);

  async function unwrap(organizationId: OrganizationId, { id, wrapped }: KeyRow): Promise<DataKey> {
    const key = await unwrapSecret(masterKeys, wrapped, contextOfDataKey(organizationId, id));
    if (key !== undefined) return { id, key };
    throw new EncryptionError(
      'wrong_master_key',
      `Data key ${id} was not wrapped by a master key in ${masterKeys.source}.`,
    );
  }

  async function loadCurrent(organizationId: OrganizationId): Promise<DataKey> {
    const row =
      (await findNewest(db, organizationId)) ?? (await transaction(db, (tx) => makeFirst(tx, organizationId)));
    return unwrap(organizationId, row);
  }

  /** Of several that find none, one makes it. */
  async function makeFirst(tx: Executor, organizationId: OrganizationId): Promise<KeyRow> {
    await lockOrganization(tx, organizationId);
    return (await findNewest(tx, organizationId)) ?? insertDataKey(tx, masterKeys, organizationId);
  }

  async function load(organizationId: OrganizationId, id: string): Promise<DataKey> {
    const row = await find(db, organizationId, id);
    if (row !== undefined) return unwrap(organizationId, row);
    throw new EncryptionError(
      'unknown_data_key',
      `There is no data key ${id} in ${organizationId}; what it sealed cannot be opened.`,
    );
  }

  // A key has to last whatever becomes of the transaction in which it is first needed: it may seal other things meanwhile.
  return {
    create: async (tx, organizationId) => unwrap(organizationId, await insertDataKey(tx, masterKeys, organizationId)),
    current: (organizationId) =>
      currents(organizationId, () => outsideTransaction(db, () => loadCurrent(organizationId))),
    get: (organizationId, id) =>
      byId(`${organizationId}/${id}`, () => outsideTransaction(db, () => load(organizationId, id))),
  };
}

/** Makes a new key the one that everything is sealed with from now on. The others only open what they have sealed. */
export async function rotateDataKey(tx: Executor, masterKeys: MasterKeys, organizationId: OrganizationId) {
  await lockOrganization(tx, organizationId);
  const { id } = await insertDataKey(tx, masterKeys, organizationId);
  await tx
    .updateTable('data_keys')
    .set({ retired_at: sql`now()` })
    .where('organization_id', '=', organizationId)
    .where('retired_at', 'is', null)
    .where('id', '<>', id)
    .execute();
  return id;
}

/** Keeps others from making keys of the organisation meanwhile, but not from referring to it. */
const lockOrganization = (tx: Executor, id: OrganizationId) =>
  tx.selectFrom('organizations').select('id').where('id', '=', id).forNoKeyUpdate().execute();

async function insertDataKey(tx: Executor, masterKeys: MasterKeys, organizationId: OrganizationId): Promise<KeyRow> {
  const id = newId('key');
  const wrapped = await wrapSecret(tx, masterKeys, randomBytes(KEY_BYTES), contextOfDataKey(organizationId, id));
  await tx.insertInto('data_keys').values({ id, organization_id: organizationId, wrapped }).execute();
  return { id, wrapped };
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
