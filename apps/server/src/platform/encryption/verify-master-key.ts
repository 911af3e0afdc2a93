import type { Executor } from '../database/index.ts';
import { EncryptionError } from './encryption-error.ts';
import type { MasterKey } from './master-key.ts';

const FACT = 'master_key';

/**
 * Makes sure that the master key is the one this database was made with; the first one ever seen becomes that. Called at each
 * start, before anything is sealed: two keys in use would be found out only when something cannot be opened any more.
 * Errors: `wrong_master_key`.
 */
export async function verifyMasterKey(executor: Executor, masterKey: MasterKey): Promise<void> {
  const fingerprint = await masterKey.fingerprint();
  await executor
    .insertInto('server_facts')
    .values({ key: FACT, value: JSON.stringify({ fingerprint }) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const { value } = await executor
    .selectFrom('server_facts')
    .select('value')
    .where('key', '=', FACT)
    .executeTakeFirstOrThrow();
  if ((value as { fingerprint: string }).fingerprint === fingerprint) return;
  throw new EncryptionError(
    'wrong_master_key',
    `The master key in ${masterKey.source} is not the one this database was made with, so nothing sealed in it could be opened. Put the right one back there, or give it in GROUNDCREW_MASTER_KEY or GROUNDCREW_MASTER_KEY_FILE.`,
  );
}
