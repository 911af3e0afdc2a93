import type { OrganizationId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../database/index.ts';
import { setCurrent } from './current-master-key.ts';
import { contextOfDataKey } from './data-keys.ts';
import { EncryptionError } from './encryption-error.ts';
import type { MasterKeys } from './master-keys.ts';
import { contextOfSecret, listSecretFacts, replaceSecretFact } from './secret-facts.ts';
import { verifyMasterKeys } from './verify-master-keys.ts';
import { findWrapper, unwrapSecret, wrapSecret } from './wrapping.ts';

/** What a rewrap did; what is counted is wrapped by the master key named. */
export interface Rewrapped {
  fingerprint: string;
  dataKeys: number;
  secrets: number;
}

/**
 * Makes the first of the master keys the one that wraps, then wraps with it whatever another one has wrapped. Each key is a
 * transaction of its own: after a crash at any point everything opens as before with the keys at hand, and the next rewrap
 * goes on where this one was. The servers need not be told: they see it from what they read.
 *
 * Errors: `wrong_master_key` when something is wrapped by a key that is not at hand; nothing of that is touched.
 */
export async function rewrapKeys(db: Database, keys: MasterKeys): Promise<Rewrapped> {
  // Else the database would name a current key while something of it opens no more.
  await verifyMasterKeys(db, keys);
  const [{ fingerprint }] = await keys.read();
  await setCurrent(db, fingerprint);
  const done: Rewrapped = { fingerprint, dataKeys: 0, secrets: 0 };
  const ids = await db.selectFrom('data_keys').select(['id', 'wrapped']).orderBy('id').execute();
  for (const { id } of ids.filter(({ wrapped }) => findWrapper(wrapped) !== fingerprint))
    if (await transaction(db, (tx) => rewrapDataKey(tx, keys, id))) done.dataKeys += 1;
  for (const { name } of await listSecretFacts(db))
    if (await transaction(db, (tx) => rewrapSecret(tx, keys, name, fingerprint))) done.secrets += 1;
  return done;
}

async function rewrapDataKey(tx: Executor, keys: MasterKeys, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('data_keys')
    .select(['organization_id', 'wrapped'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return false;
  const context = contextOfDataKey(row.organization_id as OrganizationId, id);
  const wrapped = await wrapAgain(tx, keys, row.wrapped, context, `data key ${id}`);
  await tx.updateTable('data_keys').set({ wrapped }).where('id', '=', id).execute();
  return true;
}

async function rewrapSecret(tx: Executor, keys: MasterKeys, name: string, fingerprint: string): Promise<boolean> {
  const fact = (await listSecretFacts(tx)).find((found) => found.name === name);
  if (fact === undefined) return false;
  const before = Buffer.from(fact.value.wrapped, 'base64');
  if (findWrapper(before) === fingerprint) return false;
  const wrapped = await wrapAgain(tx, keys, before, contextOfSecret(name), `the secret ${name}`);
  return replaceSecretFact(tx, name, fact.value, wrapped);
}

async function wrapAgain(
  tx: Executor,
  keys: MasterKeys,
  wrapped: Buffer,
  context: readonly string[],
  what: string,
): Promise<Buffer> {
  const secret = await unwrapSecret(keys, wrapped, context);
  if (secret !== undefined) return wrapSecret(tx, keys, secret, context);
  throw new EncryptionError(
    'wrong_master_key',
    `No master key in ${keys.source} opens ${what}; it was left as it is. Put the one that wrapped it back there, behind the others, and run this again.`,
  );
}
