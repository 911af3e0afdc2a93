import type { OrganizationId, TaskId, TaskVerdict, UnrecordedResource } from '@groundcrew/protocol';
import { sql } from 'kysely';
import { type Executor, named } from '../../platform/database/index.ts';

/** What a verdict tells beyond the task itself. */
export interface VerdictFacts {
  /** Since when it needs a person, or has ended. */
  since: Date | null;
  /** Its newest attempt was closed and nothing has proved since that it is dead. */
  unproven: boolean;
  unrecorded: UnrecordedResource[];
  lastState: TaskVerdict['last_state'];
  quarantined: TaskVerdict['quarantined'];
}

/** @param attemptId the task's newest attempt, which is the one that a verdict speaks of */
export async function findVerdictFacts(
  db: Executor,
  organizationId: OrganizationId,
  taskId: TaskId,
  attemptId: string | null,
): Promise<VerdictFacts> {
  const state = sql`jsonb_build_object('id', v.id, 'version', v.version, 'serial', v.serial, 'checksum', v.checksum, 'created_at', to_char(v.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`;
  const { rows } = await sql<VerdictFacts>`${named('find_verdict_facts')} SELECT
    (SELECT max(e.at) FROM task_events e WHERE e.task_id = t.id AND e.kind IN ('needs_attention', 'closed')) AS since,
    EXISTS (SELECT FROM jsonb_array_elements(w.marks) m WHERE m ->> 'attemptId' = ${attemptId}::text) AS unproven,
    coalesce((SELECT e.data -> 'resources' FROM task_events e WHERE e.task_id = t.id AND e.kind = 'unrecorded' ORDER BY e.seq DESC LIMIT 1), '[]') AS unrecorded,
    (SELECT ${state} FROM state_versions v WHERE v.attempt_id = ${attemptId} ORDER BY v.version DESC LIMIT 1) AS "lastState",
    (SELECT coalesce(jsonb_agg(${state} ORDER BY v.version), '[]') FROM state_versions v
      WHERE v.workspace_id = t.workspace_id AND v.standing = 'quarantined') AS quarantined
    FROM tasks t JOIN workspaces w ON w.id = t.workspace_id WHERE t.id = ${taskId} AND t.organization_id = ${organizationId}`.execute(
    db,
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`Task ${taskId} is gone.`);
  return row;
}
