import type { VariableId, WorkspaceId } from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { Executor } from '../../platform/database/index.ts';
import type { VariableRow } from './variable.ts';

const COLUMNS = [
  'id',
  'organization_id',
  'workspace_id',
  'key',
  'category',
  'hcl',
  'sensitive',
  'description',
  'value',
  'value_sealed',
  'created_at',
  'updated_at',
] as const;

/** The value as stored: in the clear or sealed. */
export type StoredValue = { value: string; value_sealed: null } | { value: null; value_sealed: Buffer };

export async function insertVariable(
  db: Executor,
  row: StoredValue &
    Pick<
      VariableRow,
      'id' | 'organization_id' | 'workspace_id' | 'key' | 'category' | 'hcl' | 'sensitive' | 'description'
    >,
): Promise<VariableRow> {
  return (await db.insertInto('variables').values(row).returning(COLUMNS).executeTakeFirstOrThrow()) as VariableRow;
}

const inWorkspace = (db: Executor, workspaceId: WorkspaceId) =>
  db.selectFrom('variables').select(COLUMNS).where('workspace_id', '=', workspaceId);

/** One variable with its row locked. */
export async function findVariableForUpdate(
  tx: Executor,
  workspaceId: WorkspaceId,
  id: VariableId,
): Promise<VariableRow | undefined> {
  return (await inWorkspace(tx, workspaceId).where('id', '=', id).forUpdate().executeTakeFirst()) as
    | VariableRow
    | undefined;
}

/** By category and key, after the one named. */
export async function listVariables(
  db: Executor,
  workspaceId: WorkspaceId,
  after: { category: string; key: string } | undefined,
  limit: number,
): Promise<VariableRow[]> {
  const rows = await inWorkspace(db, workspaceId)
    .$if(after !== undefined, (q) =>
      q.where(sql<boolean>`(category, key) > (${after?.category ?? ''}, ${after?.key ?? ''})`),
    )
    .orderBy('category')
    .orderBy('key')
    .limit(limit)
    .execute();
  return rows as VariableRow[];
}

export async function updateVariable(
  db: Executor,
  id: string,
  columns: StoredValue & Pick<VariableRow, 'key' | 'hcl' | 'sensitive' | 'description'>,
): Promise<VariableRow> {
  const query = db
    .updateTable('variables')
    .set({ ...columns, updated_at: sql`now()` })
    .where('id', '=', id);
  return (await query.returning(COLUMNS).executeTakeFirstOrThrow()) as VariableRow;
}

/** Removes one and gives what it was. */
export async function deleteVariable(
  tx: Executor,
  workspaceId: WorkspaceId,
  id: VariableId,
): Promise<VariableRow | undefined> {
  return (await tx
    .deleteFrom('variables')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .returning(COLUMNS)
    .executeTakeFirst()) as VariableRow | undefined;
}
