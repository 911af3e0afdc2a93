import { sql } from 'kysely';
import type { Executor } from '../database/index.ts';
import type { MasterKeys } from './master-keys.ts';

/** Names the master key that new secrets are wrapped with. In the database, so that all replicas agree about it. */
const FACT = 'master_key';

interface CurrentMasterKey {
  fingerprint: string;
  /** The first one there was, which has wrapped what names no master key. */
  first: string;
}

/** The current master key, which stays the current one until the end of the transaction. */
export async function readCurrent(tx: Executor): Promise<CurrentMasterKey> {
  const { value } = await tx
    .selectFrom('server_facts')
    .select('value')
    .where('key', '=', FACT)
    .forShare()
    .executeTakeFirstOrThrow();
  const { fingerprint, first = fingerprint } = value as unknown as { fingerprint: string; first?: string };
  return { fingerprint, first };
}

/** Makes the first key ever seen the current one; from then on only {@link setCurrent} changes it. */
export async function ensureCurrent(db: Executor, keys: MasterKeys): Promise<void> {
  const [{ fingerprint }] = await keys.read();
  await db
    .insertInto('server_facts')
    .values({ key: FACT, value: JSON.stringify({ fingerprint }) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
}

/** Waits for those who are wrapping something with the old one. */
export async function setCurrent(db: Executor, fingerprint: string): Promise<void> {
  await sql`UPDATE server_facts SET updated_at = now(), value = jsonb_build_object(
      'fingerprint', ${fingerprint}::text, 'first', coalesce(value->>'first', value->>'fingerprint'))
    WHERE key = ${FACT}`.execute(db);
}
