import { randomBytes } from 'node:crypto';
import type { OrganizationId } from '@groundcrew/protocol';
import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { getInstallationSecret } from '../../installation-secret.ts';
import { SEALED_COLUMNS } from '../../sealed-columns.ts';
import { type BlobStore, createBlobStore } from '../blobs/index.ts';
import { transaction } from '../database/index.ts';
import { insertOrganization } from '../organization-for-tests.ts';
import {
  CURRENT_HELD_MS,
  createKeyKeeper,
  createSealer,
  type KeyKeeper,
  type Sealer,
  verifyMasterKeys,
} from './index.ts';
import { createMasterKey, type MasterKey } from './master-key.ts';
import { holdKeys } from './master-keys-for-tests.ts';

let database: TestDatabase;
let ring: MasterKey[];
let sealer: Sealer;
let blobs: BlobStore;
let keeper: KeyKeeper;
let org: OrganizationId;
let clock = 0;

/** Everything a process has: started anew, it knows only what stands in the database. */
function startProcess(keys = ring): { sealer: Sealer; blobs: BlobStore; keeper: KeyKeeper } {
  const { db } = database;
  const masterKeys = holdKeys(keys);
  const made = createSealer(db, masterKeys, () => clock);
  return {
    sealer: made,
    blobs: createBlobStore(made),
    keeper: createKeyKeeper({ db, masterKeys, sealer: made, columns: SEALED_COLUMNS }),
  };
}

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  const { db } = database;
  await sql`TRUNCATE variables, blobs, data_keys, server_facts CASCADE`.execute(db);
  ring = [createMasterKey(randomBytes(32))];
  await verifyMasterKeys(db, holdKeys(ring));
  ({ sealer, blobs, keeper } = startProcess());
  org = await insertOrganization(db);
});
afterAll(() => database.drop());

const LIMIT = { maxBytes: 64 * 1024 * 1024 };

async function insertVariables(count: number, by: Sealer = sealer): Promise<string[]> {
  const { db } = database;
  const workspace = `ws-${randomBytes(6).toString('hex')}`;
  await db
    .insertInto('workspaces')
    .values({ id: workspace, organization_id: org, name: workspace, execution_mode: 'server' })
    .execute();
  const ids = Array.from({ length: count }, (_, index) => `var-${workspace}-${String(index).padStart(3, '0')}`);
  for (const id of ids)
    await db
      .insertInto('variables')
      .values({
        id,
        organization_id: org,
        workspace_id: workspace,
        key: id,
        category: 'env',
        sensitive: true,
        value_sealed: await by.seal(org, 'variable', id, `value of ${id}`),
      })
      .execute();
  return ids;
}

async function openAll(by: Sealer = sealer): Promise<string[]> {
  const rows = await database.db
    .selectFrom('variables')
    .select(['id', 'value_sealed'])
    .where('sensitive', '=', true)
    .orderBy('id')
    .execute();
  return Promise.all(
    rows.map(async ({ id, value_sealed }) => (await by.open(org, 'variable', id, value_sealed!)).toString()),
  );
}
const valuesOf = (ids: string[]) => ids.map((id) => `value of ${id}`);
const sealedByKey = async () =>
  (await keeper.list()).data_keys.map(({ retired_at, sealed }) => [retired_at === null, sealed]);

describe('data keys', () => {
  test('after a rotation everything is sealed with the new key and opens as before', async () => {
    const ids = await insertVariables(40);
    const bytes = randomBytes(2_500_000);
    const { blobId } = await blobs.put(
      database.db,
      { organizationId: org, purpose: 'state', subjectId: 's' },
      bytes,
      LIMIT,
    );
    expect(await sealedByKey()).toEqual([[true, 43]]);
    const [next] = await keeper.rotate([org]);
    clock += CURRENT_HELD_MS;
    const seen: number[] = [];
    const result = await keeper.reseal({ onProgress: ({ done }) => seen.push(done) });
    expect(result).toEqual({ done: 43, left: 0, unopened: [] });
    expect(seen).toEqual([16, 32, 40, 3]);
    expect(await sealedByKey()).toEqual([
      [false, 0],
      [true, 43],
    ]);
    const later = startProcess();
    expect(await openAll(later.sealer)).toEqual(valuesOf(ids));
    expect((await later.blobs.read(database.db, blobId)).equals(bytes)).toBe(true);
    const { data_keys } = await keeper.list();
    expect(data_keys.find(({ retired_at }) => retired_at === null)?.id).toBe(next);
  });

  test('another replica seals with the new key within seconds, and until then nothing is lost', async () => {
    const replica = startProcess();
    const [early] = await insertVariables(1, replica.sealer);
    await keeper.rotate([org]);
    clock += CURRENT_HELD_MS - 1;
    const [late] = await insertVariables(1, replica.sealer);
    expect(await sealedByKey()).toEqual([
      [false, 2],
      [true, 0],
    ]);
    clock += 1;
    await insertVariables(1, replica.sealer);
    expect(await sealedByKey()).toEqual([
      [false, 2],
      [true, 1],
    ]);
    expect(await keeper.reseal()).toMatchObject({ done: 2, left: 0 });
    expect(await openAll(replica.sealer)).toEqual(expect.arrayContaining(valuesOf([early!, late!])));
  });

  test('one organisation can be rotated without the others', async () => {
    await insertVariables(1);
    const [mine, other] = [org, await insertOrganization(database.db)];
    org = other;
    await insertVariables(1);
    await keeper.rotate([mine]);
    clock += CURRENT_HELD_MS;
    await keeper.reseal();
    const { data_keys } = await keeper.list();
    expect(data_keys.filter(({ organization_id }) => organization_id === other)).toMatchObject([
      { retired_at: null, sealed: 1 },
    ]);
    expect(data_keys.filter(({ organization_id }) => organization_id === mine)).toMatchObject([
      { sealed: 0 },
      { retired_at: null, sealed: 1 },
    ]);
  });

  test('a row that does not open is named, stays as it is and stops nothing', async () => {
    const ids = await insertVariables(20);
    const broken = ids[3]!;
    await sql`UPDATE variables SET value_sealed = set_byte(value_sealed, octet_length(value_sealed) - 1,
      get_byte(value_sealed, octet_length(value_sealed) - 1) # 1) WHERE id = ${broken}`.execute(database.db);
    await keeper.rotate([org]);
    clock += CURRENT_HELD_MS;
    const result = await keeper.reseal();
    expect(result).toMatchObject({ done: 19, left: 1, unopened: [{ column: 'variables.value_sealed', row: broken }] });
    expect(JSON.stringify(result)).not.toContain('value of');
  });

  test('a newer value is never overwritten, however many seal anew while people write', async () => {
    const ids = await insertVariables(60);
    await keeper.rotate([org]);
    clock += CURRENT_HELD_MS;
    const write = async (id: string) => {
      const value_sealed = await sealer.seal(org, 'variable', id, `newer ${id}`);
      await database.db.updateTable('variables').set({ value_sealed }).where('id', '=', id).execute();
    };
    const others = Array.from({ length: 4 }, () => startProcess().keeper.reseal());
    await Promise.all([...ids.filter((_, index) => index % 2 === 0).map(write), ...others]);
    await keeper.reseal();
    expect(await openAll()).toEqual(ids.map((id, index) => (index % 2 === 0 ? `newer ${id}` : `value of ${id}`)));
    expect(await sealedByKey()).toEqual([
      [false, 0],
      [true, 60],
    ]);
  });

  test('the loop works only when a rotation asked for it, and until late transactions are over', async () => {
    await insertVariables(5);
    expect(await keeper.resealIfAsked()).toBeUndefined();
    await keeper.rotate([org]);
    clock += CURRENT_HELD_MS;
    expect(await keeper.resealIfAsked()).toMatchObject({ done: 5, left: 0 });
    expect(await keeper.resealIfAsked()).toMatchObject({ done: 0 });
    await sql`UPDATE server_facts SET value = value || jsonb_build_object('rotated_at', now() - interval '1 hour') WHERE key = 'reseal'`.execute(
      database.db,
    );
    expect(await keeper.resealIfAsked()).toBeUndefined();
    await keeper.rotate([org]);
    expect(await keeper.resealIfAsked()).toBeDefined();
  });

  test('every column of bytes is one that is sealed, or one that is known not to be', async () => {
    const { rows } = await sql<{ name: string }>`SELECT table_name || '.' || column_name AS name
      FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea' ORDER BY 1`.execute(
      database.db,
    );
    const sealed = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
    // Wrapped by the master key, and masked before they came.
    const others = ['data_keys.wrapped', 'log_segments.content'];
    expect(rows.map(({ name }) => name)).toEqual([...sealed, ...others].sort());
  });
});

describe('master keys', () => {
  const secret = () => getInstallationSecret(database.db, holdKeys(ring), 'agent tokens');

  test('a new one wraps what the old one wrapped, and then the old one may go', async () => {
    const ids = await insertVariables(3);
    const before = await secret();
    const old = ring[0]!;
    ring.unshift(createMasterKey(randomBytes(32)));
    // Being at hand changes nothing by itself: replicas may get it in any order.
    await verifyMasterKeys(database.db, holdKeys(ring));
    await insertVariables(1, startProcess([old]).sealer);
    expect(await keeper.rewrap()).toEqual({ fingerprint: ring[0]!.fingerprint, dataKeys: 1, secrets: 1 });
    expect(await keeper.rewrap()).toMatchObject({ dataKeys: 0, secrets: 0 });
    ring.pop();
    await verifyMasterKeys(database.db, holdKeys(ring));
    expect(await openAll(startProcess().sealer)).toEqual(expect.arrayContaining(valuesOf(ids)));
    expect(await secret()).toEqual(before);
    expect((await keeper.list()).master_keys).toEqual([
      { fingerprint: ring[0]!.fingerprint, at_hand: true, current: true, wrapped: 2 },
    ]);
  });

  test.each([0, 1, 2, 3])(
    'a rewrap that dies after %i keys is gone on with, and everything opens meanwhile',
    async (survived) => {
      const ids = await insertVariables(2);
      await secret();
      for (let more = 0; more < 3; more += 1) await keeper.rotate([org]);
      const [old, next] = [ring[0]!, createMasterKey(randomBytes(32))];
      // It wraps so often and then the process is gone.
      let left = survived;
      const dying: MasterKey = {
        ...next,
        wrap: async (...given) => {
          left -= 1;
          if (left < 0) throw new Error('killed');
          return next.wrap(...given);
        },
      };
      await expect(startProcess([dying, old]).keeper.rewrap()).rejects.toThrow('killed');
      ring = [next, old];
      await verifyMasterKeys(database.db, holdKeys(ring));
      expect(await openAll(startProcess().sealer)).toEqual(valuesOf(ids));
      await expect(verifyMasterKeys(database.db, holdKeys([next]))).rejects.toThrow(
        /keys of this database are still wrapped by the master key .*Put it back there, behind the new one/,
      );
      await startProcess().keeper.rewrap();
      ring = [next];
      await verifyMasterKeys(database.db, holdKeys(ring));
      expect(await openAll(startProcess().sealer)).toEqual(valuesOf(ids));
    },
  );

  test('without the old one nothing is touched, and the sentence names it', async () => {
    await insertVariables(1);
    const [old, next] = [ring[0]!, createMasterKey(randomBytes(32))];
    const { rows: before } = await sql`SELECT * FROM data_keys`.execute(database.db);
    await expect(startProcess([next]).keeper.rewrap()).rejects.toThrow(old.fingerprint.slice(0, 12));
    expect((await sql`SELECT * FROM data_keys`.execute(database.db)).rows).toEqual(before);
    await verifyMasterKeys(database.db, holdKeys([old]));
    expect(await openAll(startProcess([old]).sealer)).toHaveLength(1);
  });

  test('a key made while the master key changes is wrapped by the new one or is seen by the rewrap', async () => {
    const old = ring[0]!;
    ring = [createMasterKey(randomBytes(32)), old];
    const making = Array.from({ length: 12 }, async () => {
      const tenant = await insertOrganization(database.db);
      await startProcess().sealer.seal(tenant, 'variable', 'v', 'x');
    });
    await Promise.all([...making, startProcess().keeper.rewrap()]);
    const { master_keys } = await keeper.list();
    expect(master_keys.find(({ fingerprint }) => fingerprint === old.fingerprint)?.wrapped ?? 0).toBe(0);
  });

  test('what was wrapped before keys were named still opens, and is named by a rewrap', async () => {
    const ids = await insertVariables(1);
    const old = ring[0]!;
    // As the first version stored it: the box alone.
    await sql`UPDATE data_keys SET wrapped = substring(wrapped FROM 46)`.execute(database.db);
    const { rows } = await sql<{ bytes: number }>`SELECT octet_length(wrapped) AS bytes FROM data_keys`.execute(
      database.db,
    );
    expect(rows).toEqual([{ bytes: 60 }]);
    expect(await openAll(startProcess().sealer)).toEqual(valuesOf(ids));
    ring = [createMasterKey(randomBytes(32)), old];
    expect((await startProcess().keeper.rewrap()).dataKeys).toBe(1);
    ring.pop();
    expect(await openAll(startProcess().sealer)).toEqual(valuesOf(ids));
  });

  test('a rotation and a rewrap in one transaction with others never wait for each other for ever', async () => {
    ring.unshift(createMasterKey(randomBytes(32)));
    await Promise.all([
      ...Array.from({ length: 5 }, () => startProcess().keeper.rotate([org])),
      ...Array.from({ length: 3 }, () => startProcess().keeper.rewrap()),
    ]);
    const { data_keys } = await keeper.list();
    expect(data_keys.filter(({ retired_at }) => retired_at === null)).toHaveLength(1);
    expect(new Set(data_keys.map(({ master_key }) => master_key))).toEqual(new Set([ring[0]!.fingerprint]));
    await transaction(database.db, (tx) => sealer.createDataKey(tx, org));
  });
});
