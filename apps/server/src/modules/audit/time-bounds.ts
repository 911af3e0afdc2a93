import type { OrganizationId } from '@groundcrew/protocol';
import { type RawBuilder, sql } from 'kysely';

/**
 * Numbers and times of entries rise together but for what happens at once and for a clock that is set back a little; so many entries
 * beside a time are looked at to be sure.
 */
const BESIDE = 1_000;

/**
 * What bounds the numbers of the entries of a time. Beside the comparison of times itself, which says what counts, this lets a list that is
 * sorted by number begin and end where the time is, in place of reading everything that lies before it.
 */
export function listTimeBounds(
  organizationId: OrganizationId,
  { since, until }: { since?: Date | undefined; until?: Date | undefined },
  { seq = sql.ref('seq'), beside = BESIDE }: { seq?: RawBuilder<unknown>; beside?: number } = {},
): RawBuilder<boolean>[] {
  const newest = sql`SELECT seq FROM audit WHERE organization_id = ${organizationId} AND at < ${until} ORDER BY at DESC LIMIT ${beside}`;
  const oldest = sql`SELECT seq FROM audit WHERE organization_id = ${organizationId} AND at >= ${since} ORDER BY at LIMIT ${beside}`;
  return [
    ...(until === undefined ? [] : [sql<boolean>`${seq} <= (SELECT max(n.seq) FROM (${newest}) n)`]),
    ...(since === undefined ? [] : [sql<boolean>`${seq} >= (SELECT min(n.seq) FROM (${oldest}) n)`]),
  ];
}
