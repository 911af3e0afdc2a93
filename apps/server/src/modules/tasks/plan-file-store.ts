import { type AttemptId, MAX_PLAN_BYTES, type StateMark } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';

export const MAX_BYTES = MAX_PLAN_BYTES;

/** A stored plan bundle: plan file and lock file in one tar. */
export interface PlanFile {
  attempt_id: string;
  organization_id: string;
  blob_id: string;
  bundle_checksum: string;
  plan_checksum: string;
  size: number;
}

export async function findPlanFile(db: Executor, attemptId: AttemptId): Promise<PlanFile | undefined> {
  const { rows } =
    await sql<PlanFile>`SELECT attempt_id, organization_id, blob_id, bundle_checksum, plan_checksum, size FROM plan_files WHERE attempt_id = ${attemptId}`.execute(
      db,
    );
  return rows[0];
}

/** False when another call of the same attempt was first. */
export async function insertPlanFile(db: Executor, file: PlanFile): Promise<boolean> {
  const result = await db
    .insertInto('plan_files')
    .values(file)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** True when the attempt's state with exactly this content is stored, whatever it counts as. */
export async function hasState(db: Executor, attemptId: AttemptId, mark: StateMark): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM state_versions WHERE attempt_id = ${attemptId} AND lineage = ${mark.lineage}
    AND serial = ${mark.serial} AND checksum = ${mark.checksum}`.execute(db);
  return rows.length > 0;
}
