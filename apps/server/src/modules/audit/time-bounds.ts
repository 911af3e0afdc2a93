import type { OrganizationId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

/**
 * Numbers and times of entries rise together but for what happens at once and for a clock that is set back a little; so many entries
 * beside a time are looked at to be sure.
 */
const BESIDE = 1_000;

/** Numbers of entries, both ends included; empty when `least` is above `most`. */
export interface SeqRange {
  least: number;
  most: number;
}

/**
 * Between which numbers the entries of a time lie. Beside the comparison of times itself, which says what counts, this lets a list that
 * is sorted by number begin and end where the time is, in place of reading everything that lies before it. As numbers of their own they tell
 * the planner how little that is.
 */
export async function findSeqRange(
  db: Executor,
  organizationId: OrganizationId,
  { since, until }: { since?: Date | undefined; until?: Date | undefined },
  beside = BESIDE,
): Promise<SeqRange> {
  const [least, most] = await Promise.all([
    since === undefined
      ? 0
      : findSeq(
          db,
          sql`SELECT min(seq) AS seq FROM (SELECT seq FROM audit
          WHERE organization_id = ${organizationId} AND at >= ${since} ORDER BY at LIMIT ${beside}) n`,
        ),
    until === undefined
      ? Number.MAX_SAFE_INTEGER
      : findSeq(
          db,
          sql`SELECT max(seq) AS seq FROM (SELECT seq FROM audit
          WHERE organization_id = ${organizationId} AND at < ${until} ORDER BY at DESC LIMIT ${beside}) n`,
        ),
  ]);
  return { least: least ?? Number.MAX_SAFE_INTEGER, most: most ?? 0 };
}

async function findSeq(db: Executor, query: RawBuilder<unknown>): Promise<number | null> {
  const { rows } = await (query as RawBuilder<{ seq: number | null }>).execute(db);
  return rows[0]?.seq ?? null;
}
