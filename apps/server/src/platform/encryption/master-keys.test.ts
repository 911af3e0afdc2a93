import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTemporaryFolder, createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addMasterKey, keepOnly, loadMasterKeys, type MasterKeys, verifyMasterKeys } from './index.ts';
import { createMasterKey } from './master-key.ts';

const folder = createTemporaryFolder('keys');
const homeFile = join(folder.path, 'master.key');
afterAll(() => folder.remove());

const given = (value: string) => loadMasterKeys({ readValue: () => value, homeFile });
const inHome = (file = homeFile) => loadMasterKeys({ readValue: () => undefined, homeFile: file });
const fingerprints = async (keys: MasterKeys) => (await keys.read()).map(({ fingerprint }) => fingerprint);
const fingerprintOf = (bytes: Buffer) => createMasterKey(bytes).fingerprint;

test('one is made once, for all who start at once, and for its owner alone', async () => {
  const all = await Promise.all(Array.from({ length: 12 }, () => inHome()));
  const found = await Promise.all(all.map(fingerprints));
  expect(new Set(found.flat()).size).toBe(1);
  expect(statSync(homeFile).mode & 0o777).toBe(0o600);
  expect(await fingerprints(await inHome())).toEqual(found[0]);
});

test('given ones are base64 or hex, several of them apart by white space or commas, and count before the home', async () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  expect(await fingerprints(await given(first.toString('base64')))).toEqual([fingerprintOf(first)]);
  for (const between of ['\n', ' ', ',', ',\r\n'])
    expect(await fingerprints(await given(`${first.toString('hex')}${between}${second.toString('base64')}\n`))).toEqual(
      [fingerprintOf(first), fingerprintOf(second)],
    );
});

test.each([
  '',
  'hunter2',
  randomBytes(31).toString('base64'),
  randomBytes(33).toString('hex'),
  `${randomBytes(32).toString('hex')}\nhunter2`,
])('each is refused unless it is 32 bytes: %#', async (value) => {
  const error = await given(value).then(
    () => 'NO ERROR',
    (thrown: Error) => `${thrown.message} ${JSON.stringify(thrown)}`,
  );
  expect(error).toContain('GROUNDCREW_MASTER_KEY must be 32 bytes');
  expect(error).toContain('bad_master_key');
  expect(error).not.toContain('hunter2');
});

test('one that is missing is looked for again, so that a new one needs no restart', async () => {
  const [first, second] = [randomBytes(32), randomBytes(32)];
  let file = first.toString('hex');
  const keys = await loadMasterKeys({ readValue: () => file, homeFile });
  expect(await keys.find(fingerprintOf(second))).toBeUndefined();
  file = `${second.toString('hex')}\n${file}`;
  expect(await keys.find(fingerprintOf(second))).toBeDefined();
});

test('a new one of the home stands before the old ones, and only one stays when told so', async () => {
  const file = join(folder.path, 'second.key');
  const keys = await inHome(file);
  const [old] = await fingerprints(keys);
  await addMasterKey(file);
  const [added, behind] = await fingerprints(keys);
  expect(behind).toBe(old);
  expect(added).not.toBe(old);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expect(keepOnly(file, fingerprintOf(randomBytes(32)))).rejects.toThrow('left as it is');
  await keepOnly(file, added!);
  expect(await fingerprints(keys)).toEqual([added]);
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(1);
});

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('they have to hold the one the database was made with', async () => {
  const { db } = database;
  const [mine, other] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('hex')) as [string, string];
  const keys = await given(mine);
  await Promise.all(Array.from({ length: 5 }, () => verifyMasterKeys(db, keys)));
  const file = join(folder.path, 'other.key');
  writeFileSync(file, other);
  const verifying = verifyMasterKeys(db, await inHome(file));
  await expect(verifying).rejects.toMatchObject({ kind: 'wrong_master_key' });
  await expect(verifying).rejects.toThrow(`The master key in ${file} is not the one this database was made with`);
  // Behind a new one it is as good.
  await verifyMasterKeys(db, await given(`${other}\n${mine}`));
});
