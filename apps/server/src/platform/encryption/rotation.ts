import type { OrganizationId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, transaction } from '../database/index.ts';
import { rotateDataKey } from './data-keys.ts';
import type { MasterKeys } from './master-keys.ts';

/** Says that data keys were rotated, and up to when all that was sealed before was sealed anew. */
const FACT = 'reseal';
/** A transaction that sealed with the old key before it was retired is over after that. */
const SETTLED_AFTER_SECONDS = 900;

/**
 * Gives each organisation a new data key, which everything is sealed with a few seconds later on all replicas. Gives the new
 * keys' ids. What the old keys have sealed is sealed anew by `reseal`, which is asked for by this.
 */
export async function rotateDataKeys(
  db: Database,
  masterKeys: MasterKeys,
  organizationIds: readonly OrganizationId[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const organizationId of organizationIds)
    ids.push(
      await transaction(db, async (tx) => {
        await askForReseal(tx);
        return rotateDataKey(tx, masterKeys, organizationId);
      }),
    );
  return ids;
}

async function askForReseal(tx: Executor): Promise<void> {
  await sql`INSERT INTO server_facts (key, value) VALUES (${FACT}, jsonb_build_object('rotated_at', now()))
    ON CONFLICT (key) DO UPDATE SET value = server_facts.value || excluded.value, updated_at = now()`.execute(tx);
}

/** Gives the time of the database when a pass begins, or undefined when there is nothing to seal anew. */
export async function findPendingReseal(db: Executor): Promise<string | undefined> {
  const { rows } = await sql<{ began_at: string }>`SELECT now()::text AS began_at FROM server_facts WHERE key = ${FACT}
    AND coalesce((value->>'resealed_at')::timestamptz, '-infinity')
      < (value->>'rotated_at')::timestamptz + make_interval(secs => ${SETTLED_AFTER_SECONDS})`.execute(db);
  return rows[0]?.began_at;
}

/** Remembers that a pass that began then found nothing left. */
export async function recordReseal(db: Executor, beganAt: string): Promise<void> {
  await sql`UPDATE server_facts SET updated_at = now(), value = value || jsonb_build_object('resealed_at', ${beganAt}::timestamptz)
    WHERE key = ${FACT}`.execute(db);
}
