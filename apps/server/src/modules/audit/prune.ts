import { type AuditGap, type AuditVerdict, CHAIN_START, type OrganizationId, signedText } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Change } from './change.ts';
import { listGaps } from './export-store.ts';
import type { AuditKeys } from './keys.ts';
import { lockSealing, readNow } from './seal-store.ts';

export interface PruneDeps {
  db: Database;
  keys: AuditKeys;
  verify: (organizationId: OrganizationId) => Promise<AuditVerdict>;
  record: (tx: Executor, change: Change) => Promise<void>;
}

export interface PruneOptions {
  /** Entries that are older go, up to the first one that is not. */
  before: Date;
  reason: string;
  by: string;
}

/**
 * Removes the oldest entries of an organisation and puts a signed record in their place, in one transaction, together with an
 * entry that says so. The database refuses the removal of anything that no such record covers.
 *
 * Gives undefined when nothing is that old. Errors: `conflict` for a log that is not intact, whose proof this would destroy.
 */
export function createPrune({ db, keys, verify, record }: PruneDeps) {
  return async (organizationId: OrganizationId, options: PruneOptions): Promise<AuditGap | undefined> => {
    const verdict = await verify(organizationId);
    if (!verdict.intact)
      throw new AppError(
        'conflict',
        `The audit log is not intact, so nothing of it is removed: ${verdict.problem?.message}`,
      );
    return transaction(db, async (tx) => {
      await lockSealing(tx, true);
      const last = await findLastBefore(tx, organizationId, options.before);
      if (last === undefined) return undefined;
      const gap = await makeGap(tx, organizationId, last, options);
      await tx.insertInto('audit_gaps').values(gap).execute();
      // Places go with their entries.
      await sql`DELETE FROM audit WHERE organization_id = ${organizationId} AND seq IN (
        SELECT seq FROM audit_chain WHERE organization_id = ${organizationId} AND position <= ${gap.to_position})`.execute(
        tx,
      );
      await record(tx, {
        caller: { kind: 'system', organizationId, name: options.by },
        action: 'prune_audit',
        noun: 'organization',
        subjectId: organizationId,
        after: {
          from_position: gap.from_position,
          to_position: gap.to_position,
          hash: gap.hash,
          reason: options.reason,
        },
      });
      return gap;
    });
  };

  async function makeGap(
    tx: Executor,
    organizationId: OrganizationId,
    last: { position: number; hash: string },
    { reason, by }: PruneOptions,
  ): Promise<AuditGap> {
    const previous = (await listGaps(tx, organizationId)).at(-1);
    const gap: AuditGap = {
      organization_id: organizationId,
      from_position: (previous?.to_position ?? 0) + 1,
      to_position: last.position,
      previous: previous?.hash ?? CHAIN_START,
      hash: last.hash,
      removed_at: (await readNow(tx)).toISOString(),
      removed_by: by,
      reason,
      signature: '',
    };
    return { ...gap, signature: keys.sign(signedText(gap)) };
  }
}

/** The place before the first entry that is young enough to stay; the newest entry always stays, since the head is its hash. */
async function findLastBefore(
  tx: Executor,
  organizationId: string,
  before: Date,
): Promise<{ position: number; hash: string } | undefined> {
  const { rows } = await sql<{ position: number; hash: string }>`SELECT c.position, c.hash FROM audit_chain c
    WHERE c.organization_id = ${organizationId} AND c.position < (
      SELECT coalesce(min(y.position) FILTER (WHERE a.at >= ${before}), max(y.position)) FROM audit_chain y
        JOIN audit a ON a.organization_id = y.organization_id AND a.seq = y.seq WHERE y.organization_id = ${organizationId})
    ORDER BY c.position DESC LIMIT 1`.execute(tx);
  return rows[0];
}
