import { randomBytes } from 'node:crypto';
import { newId } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { transaction } from '../database/index.ts';
import { insertOrganization } from '../organization-for-tests.ts';
import { createSealer, type Sealer, verifyMasterKeys } from './index.ts';
import { createMasterKey } from './master-key.ts';
import { holdKeys, newKeys } from './master-keys-for-tests.ts';

const SECRET = 'hunter2 '.repeat(4);
const masterKeys = newKeys();

let database: TestDatabase;
let sealer: Sealer;
let org: OrganizationId;
let otherOrg: OrganizationId;
beforeAll(async () => {
  database = await createTestDatabase();
  await verifyMasterKeys(database.db, masterKeys);
  sealer = createSealer(database.db, masterKeys);
  org = await insertOrganization(database.db);
  otherOrg = await insertOrganization(database.db);
});
afterAll(() => database.drop());

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'NO ERROR',
    (error: Error) => `${error.message} ${JSON.stringify(error)}`,
  );

describe('sealing', () => {
  test('what is sealed opens again, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.string(),
        fc.string(),
        async (bytes, purpose, subject) => {
          const sealed = await sealer.seal(org, purpose, subject, bytes);
          expect(await sealer.open(org, purpose, subject, sealed)).toEqual(Buffer.from(bytes));
        },
      ),
    );
  });

  test('the same value never looks the same, and shows nothing of itself', async () => {
    const [one, two] = await Promise.all([
      sealer.seal(org, 'variable', 'v', SECRET),
      sealer.seal(org, 'variable', 'v', SECRET),
    ]);
    expect(one).not.toEqual(two);
    expect(one.includes('hunter2')).toBe(false);
    expect((await sealer.open(org, 'variable', 'v', one)).toString()).toBe(SECRET);
  });

  test('no bit can change, and nothing can be cut off', async () => {
    const sealed = await sealer.seal(org, 'variable', 'v', SECRET);
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(await messageOf(sealer.open(org, 'variable', 'v', changed))).not.toMatch(/NO ERROR|hunter2/);
      expect(await messageOf(sealer.open(org, 'variable', 'v', sealed.subarray(0, index)))).not.toMatch(
        /NO ERROR|hunter2/,
      );
    }
  });

  test('it opens only for what it was sealed for', async () => {
    const sealed = await sealer.seal(org, 'variable', 'ab', SECRET);
    for (const [purpose, subject] of [
      ['state', 'ab'],
      ['variable', 'a'],
      ['variablea', 'b'],
    ] as const)
      await expect(sealer.open(org, purpose, subject, sealed)).rejects.toMatchObject({ kind: 'damaged' });
    await expect(sealer.open(otherOrg, 'variable', 'ab', sealed)).rejects.toMatchObject({ kind: 'unknown_data_key' });
  });

  test('another process with the same master key opens it, one with another key does not', async () => {
    const sealed = await sealer.seal(org, 'state', 's', SECRET);
    const replica = createSealer(database.db, masterKeys);
    expect((await replica.open(org, 'state', 's', sealed)).toString()).toBe(SECRET);
    const stranger = createSealer(database.db, holdKeys([createMasterKey(randomBytes(32))], 'another file'));
    await expect(stranger.open(org, 'state', 's', sealed)).rejects.toMatchObject({ kind: 'wrong_master_key' });
    await expect(stranger.seal(org, 'state', 's', SECRET)).rejects.toThrow('another file');
  });

  test('a retired data key still opens what it sealed, and seals no more', async () => {
    const tenant = await insertOrganization(database.db);
    const before = await sealer.seal(tenant, 'state', 's', SECRET);
    await database.db
      .updateTable('data_keys')
      .set({ retired_at: new Date() })
      .where('organization_id', '=', tenant)
      .execute();
    const later = createSealer(database.db, masterKeys);
    const after = await later.seal(tenant, 'state', 's', SECRET);
    expect(after.subarray(0, 24)).not.toEqual(before.subarray(0, 24));
    expect((await later.open(tenant, 'state', 's', before)).toString()).toBe(SECRET);
  });

  test('a data key never dies with the transaction in which it is first needed', async () => {
    const tenant = await insertOrganization(database.db);
    let sealed: Buffer | undefined;
    const failing = transaction(database.db, async () => {
      sealed = await sealer.seal(tenant, 'state', 's', SECRET);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await createSealer(database.db, masterKeys).open(tenant, 'state', 's', sealed!)).toString()).toBe(SECRET);
  });

  test('a tenant can be made with its data key', async () => {
    const tenant = newId('org') as OrganizationId;
    await transaction(database.db, async (tx) => {
      await tx.insertInto('organizations').values({ id: tenant, name: tenant }).execute();
      await sealer.createDataKey(tx, tenant);
    });
    const key = await database.db
      .selectFrom('data_keys')
      .select('id')
      .where('organization_id', '=', tenant)
      .executeTakeFirstOrThrow();
    const sealed = await sealer.seal(tenant, 'state', 's', SECRET);
    expect(sealed.includes(key.id)).toBe(true);
  });

  test('many that need the first key at once get along with one', async () => {
    const tenant = await insertOrganization(database.db);
    await Promise.all(Array.from({ length: 20 }, () => sealer.seal(tenant, 'state', 's', SECRET)));
    const keys = await database.db.selectFrom('data_keys').select('id').where('organization_id', '=', tenant).execute();
    expect(keys).toHaveLength(1);
  });
});
