import type { AuditHead } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';
import { EMPTY_TIP, type Link, type Tip, type UnsealedEntry } from './chain.ts';
import { ENTRY_COLUMNS } from './store.ts';

/** Sealers of several replicas take turns. Any number that nothing else locks. */
const SEALING_LOCK = 7_402_161_907;
const SETTLED = 'audit settled';

/** Lets one transaction alone seal. @param wait or give up when another one does */
export async function lockSealing(tx: Executor, wait: boolean): Promise<boolean> {
  if (!wait) {
    const { rows } = await sql<{
      taken: boolean;
    }>`SELECT pg_try_advisory_xact_lock(${SEALING_LOCK}) AS taken`.execute(tx);
    return rows[0]?.taken === true;
  }
  await sql`SELECT pg_advisory_xact_lock(${SEALING_LOCK})`.execute(tx);
  return true;
}

/** Whatever has a number up to this one has been looked at: it is in the chain, or never will be. */
export async function readSettled(db: Executor): Promise<number> {
  const row = await db.selectFrom('server_facts').select('value').where('key', '=', SETTLED).executeTakeFirst();
  return (row?.value as number | undefined) ?? 0;
}

export async function writeSettled(tx: Executor, seq: number): Promise<void> {
  await tx
    .insertInto('server_facts')
    .values({ key: SETTLED, value: String(seq) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(seq), updated_at: sql<Date>`now()` }))
    .execute();
}

/** The number handed out last, to whoever has committed or not. */
export async function readLastSeq(db: Executor): Promise<number> {
  const { rows } = await sql<{ seq: number }>`SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS seq
    FROM audit_seq_seq`.execute(db);
  return rows[0]?.seq ?? 0;
}

/**
 * The transactions that may have written an entry and are not over. A writer has the table's lock before it draws its number and
 * keeps it until everybody sees what it did, so once these are gone, every number drawn before is decided.
 */
export async function listWriters(db: Executor): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`SELECT DISTINCT virtualtransaction AS id FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(db);
  return rows.map(({ id }) => id);
}

/** Entries after `seq` without a place in the chain, of all organisations, in their order. */
export async function listUnsealed(db: Executor, seq: number, limit: number): Promise<UnsealedEntry[]> {
  const columns = sql.raw(ENTRY_COLUMNS.join(', '));
  const { rows } = await sql<UnsealedEntry>`${named('list_unsealed_audit')}
    SELECT ${columns}, a.organization_id, a.stamp FROM audit a
    WHERE a.seq > ${seq} AND NOT EXISTS (
      SELECT FROM audit_chain c WHERE c.organization_id = a.organization_id AND c.seq = a.seq)
    ORDER BY a.seq LIMIT ${limit}`.execute(db);
  return rows;
}

/** Those of these stamps that the chain holds already: rows that carry them are copies. */
export async function listUsedStamps(db: Executor, organizationId: string, stamps: string[]): Promise<Set<string>> {
  const { rows } = await sql<{ stamp: string }>`SELECT stamp FROM audit_chain
    WHERE organization_id = ${organizationId} AND stamp = ANY(${stamps})`.execute(db);
  return new Set(rows.map(({ stamp }) => stamp));
}

/** Where the chain ends; undefined when its head and its newest link disagree, so that nothing can follow them. */
export async function findTip(db: Executor, organizationId: string): Promise<Tip | undefined> {
  const { rows } = await sql<Tip & { newest: number; newest_hash: string }>`
    SELECT coalesce(h.position, 0) AS position, coalesce(h.hash, ${EMPTY_TIP.hash}) AS hash, coalesce(h.unstamped, 0) AS unstamped,
      coalesce(c.position, g.to_position, 0) AS newest, coalesce(c.hash, g.hash, ${EMPTY_TIP.hash}) AS newest_hash
    FROM (SELECT) o LEFT JOIN audit_heads h ON h.organization_id = ${organizationId}
      LEFT JOIN LATERAL (SELECT position, hash FROM audit_chain WHERE organization_id = ${organizationId} ORDER BY position DESC LIMIT 1) c ON true
      LEFT JOIN LATERAL (SELECT to_position, hash FROM audit_gaps WHERE organization_id = ${organizationId} ORDER BY to_position DESC LIMIT 1) g ON true`.execute(
    db,
  );
  const { newest, newest_hash, ...tip } = rows[0] as (typeof rows)[0];
  return tip.position === newest && tip.hash === newest_hash ? tip : undefined;
}

export async function insertLinks(tx: Executor, links: readonly Link[]): Promise<void> {
  await sql`INSERT INTO audit_chain (organization_id, position, seq, hash, stamp)
    SELECT * FROM unnest(${links.map((link) => link.organization_id)}::text[], ${links.map((link) => link.position)}::bigint[],
      ${links.map((link) => link.seq)}::bigint[], ${links.map((link) => link.hash)}::text[], ${links.map((link) => link.stamp)}::text[])`.execute(
    tx,
  );
}

export async function writeHead(tx: Executor, head: AuditHead): Promise<void> {
  const { organization_id, ...rest } = head;
  await tx
    .insertInto('audit_heads')
    .values(head)
    .onConflict((conflict) => conflict.column('organization_id').doUpdateSet(rest))
    .execute();
}

/** The database's time, in the milliseconds that are stored. */
export async function readNow(db: Executor): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`SELECT clock_timestamp()::timestamptz(3) AS now`.execute(db);
  return (rows[0] as { now: Date }).now;
}
