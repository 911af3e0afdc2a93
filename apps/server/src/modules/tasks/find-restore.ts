import type { DatabaseIdentity } from '../../platform/database/index.ts';

/** A number that the lease keeper counts up in the database, and whose database it is. */
export interface Watermark {
  /** Made once for each database of ours; a copy of it carries the same. */
  installation: string;
  count: number;
}

/** What the database says of itself, as the lease keeper last wrote it. */
export interface KnownDatabase extends Watermark, DatabaseIdentity {}

/** Whether the database was exchanged for another one of its cluster's, be that a restore or not. */
export const isPromoted = (known: KnownDatabase | undefined, present: DatabaseIdentity): boolean =>
  known !== undefined && differs(known.timeline, present.timeline);

/**
 * Why the database is not the one that this server worked with last: it is another one, it was promoted or recovered to a point
 * in time, or it is older than what this home has seen of it. Undefined when it is the one, or was never seen before.
 *
 * @param seen read before `known`, else a tick in between would look like a step back
 * @param losslessFailover see {@link isLossless}
 */
export function findRestore(
  known: KnownDatabase | undefined,
  seen: Watermark | undefined,
  present: DatabaseIdentity,
  losslessFailover: boolean,
): string | undefined {
  if (known === undefined) return undefined;
  if (differs(known.systemIdentifier, present.systemIdentifier))
    return `its system identifier is ${present.systemIdentifier} and was ${known.systemIdentifier}`;
  if (isPromoted(known, present) && !isLossless(known, losslessFailover))
    return `its timeline is ${present.timeline} and was ${known.timeline}`;
  if (seen?.installation === known.installation && known.count < seen.count)
    return `it is older than what this server has seen of it (watermark ${known.count}, seen ${seen.count})`;
  return undefined;
}

/**
 * Whether a promotion has lost nothing that anybody was told. PostgreSQL cannot tell a promoted standby from a recovery to a point
 * in time, nor a standby that was synchronous from one that lagged. So it takes two: the operator's word that only synchronous
 * standbys are promoted, and that the old primary waited for one when it was last looked at.
 */
const isLossless = (known: KnownDatabase, losslessFailover: boolean): boolean => losslessFailover && known.synchronous;

/** What the role may not read tells nothing. */
const differs = <T>(known: T | null, present: T | null): boolean =>
  known !== null && present !== null && known !== present;
