import { randomBytes } from 'node:crypto';
import type { Executor } from './platform/database/index.ts';
import type { MasterKey } from './platform/encryption/index.ts';

const SECRET_BYTES = 32;

/**
 * A secret that belongs to the installation and is the same on every replica: made by whoever needs it first, kept wrapped by
 * the master key. `name` says what it is for; no two uses share one.
 */
export async function getInstallationSecret(db: Executor, masterKey: MasterKey, name: string): Promise<Buffer> {
  const key = `secret:${name}`;
  const context = ['installation secret', name];
  const wrapped = await masterKey.wrap(randomBytes(SECRET_BYTES), context);
  await db
    .insertInto('server_facts')
    .values({ key, value: JSON.stringify({ wrapped: wrapped.toString('base64') }) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  // Whatever stands there now is everybody's, whoever won.
  const { value } = await db
    .selectFrom('server_facts')
    .select('value')
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  const secret = await masterKey.unwrap(Buffer.from((value as { wrapped: string }).wrapped, 'base64'), context);
  if (secret === undefined)
    throw new Error(
      `The secret ${name} of this installation does not open with the master key in ${masterKey.source}.`,
    );
  return secret;
}
