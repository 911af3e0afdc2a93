import { randomBytes } from 'node:crypto';
import { type Database, type Executor, transaction } from './platform/database/index.ts';
import { contextOfSecret, type MasterKeys, secretFact, unwrapSecret, wrapSecret } from './platform/encryption/index.ts';

const SECRET_BYTES = 32;

/**
 * A secret that belongs to the installation and is the same on every replica: made by whoever needs it first, kept wrapped by
 * the master key. `name` says what it is for; no two uses share one.
 */
export async function getInstallationSecret(db: Database, masterKeys: MasterKeys, name: string): Promise<Buffer> {
  const key = secretFact(name);
  await transaction(db, (tx) => insertSecret(tx, masterKeys, name));
  // Whatever stands there now is everybody's, whoever won.
  const { value } = await db
    .selectFrom('server_facts')
    .select('value')
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  const wrapped = Buffer.from((value as { wrapped: string }).wrapped, 'base64');
  const secret = await unwrapSecret(masterKeys, wrapped, contextOfSecret(name));
  if (secret !== undefined) return secret;
  throw new Error(`The secret ${name} of this installation does not open with the master key in ${masterKeys.source}.`);
}

async function insertSecret(tx: Executor, masterKeys: MasterKeys, name: string): Promise<void> {
  const wrapped = await wrapSecret(tx, masterKeys, randomBytes(SECRET_BYTES), contextOfSecret(name));
  await tx
    .insertInto('server_facts')
    .values({ key: secretFact(name), value: JSON.stringify({ wrapped: wrapped.toString('base64') }) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
}
