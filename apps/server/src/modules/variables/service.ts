import { newId } from '@groundcrew/kit';
import type {
  OrganizationId,
  Page,
  PageQuery,
  Variable,
  VariableCreate,
  VariableId,
  VariableUpdate,
  WorkspaceId,
} from '@groundcrew/protocol';
import { type Database, isDatabaseError, transaction } from '../../platform/database/index.ts';
import type { Sealer } from '../../platform/encryption/index.ts';
import { AppError, decodeCursor, notFound, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { PURPOSE } from './sealed-variables.ts';
import {
  deleteVariable,
  findVariableForUpdate,
  insertVariable,
  listVariables,
  type StoredValue,
  updateVariable,
} from './store.ts';
import { applyUpdate, refuseReserved, type VariableRow } from './variable.ts';

export interface VariablesDeps {
  db: Database;
  sealer: Sealer;
  recordChange: RecordChange;
  /** Throws not-found. */
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
}

/** Variables of workspaces. A sensitive value is sealed before it is stored and never told again but to an attempt. */
export function createVariablesService({ db, sealer, recordChange, getWorkspaceId }: VariablesDeps) {
  async function toStored(
    organizationId: OrganizationId,
    id: string,
    value: string,
    sensitive: boolean,
  ): Promise<StoredValue> {
    if (!sensitive) return { value, value_sealed: null };
    return { value: null, value_sealed: await sealer.seal(organizationId, PURPOSE, id, value) };
  }

  async function list(caller: UserCaller, idOrName: string, { limit, cursor }: PageQuery): Promise<Page<Variable>> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    const rows = await listVariables(db, workspaceId, parseCursor(cursor), limit + 1);
    return toPage(rows, limit, present, ({ category, key }) => `${category}/${key}`);
  }

  async function create(caller: UserCaller, idOrName: string, body: VariableCreate): Promise<Variable> {
    refuseReserved(body);
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    const id = newId('var');
    const { value, ...rest } = body;
    const stored = await toStored(caller.organizationId, id, value, body.sensitive);
    return namingTheKey(body.key, async () =>
      transaction(db, async (tx) => {
        const row = await insertVariable(tx, {
          ...rest,
          ...stored,
          id,
          organization_id: caller.organizationId,
          workspace_id: workspaceId,
        });
        await recordChange(tx, {
          caller,
          action: 'create',
          noun: 'variable',
          subjectId: id,
          subjectName: row.key,
          workspaceId,
          after: toAudited(row),
        });
        return present(row);
      }),
    );
  }

  async function update(
    caller: UserCaller,
    idOrName: string,
    id: VariableId,
    changes: VariableUpdate,
  ): Promise<Variable> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    return namingTheKey(changes.key ?? '', async () =>
      transaction(db, async (tx) => {
        const before = await findVariableForUpdate(tx, workspaceId, id);
        if (before === undefined) throw notFound('variable', id);
        const { value, ...next } = applyUpdate(before, changes);
        const kept: StoredValue = { value: null, value_sealed: before.value_sealed as Buffer };
        const stored = value === undefined ? kept : await toStored(caller.organizationId, id, value, next.sensitive);
        const row = await updateVariable(tx, id, { ...next, ...stored });
        await recordChange(tx, {
          caller,
          action: 'update',
          noun: 'variable',
          subjectId: id,
          subjectName: row.key,
          workspaceId,
          before: toAudited(before),
          after: { ...toAudited(row), value_changed: changes.value !== undefined },
        });
        return present(row);
      }),
    );
  }

  async function remove(caller: UserCaller, idOrName: string, id: VariableId): Promise<void> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    await transaction(db, async (tx) => {
      const before = await deleteVariable(tx, workspaceId, id);
      if (before === undefined) throw notFound('variable', id);
      await recordChange(tx, {
        caller,
        action: 'delete',
        noun: 'variable',
        subjectId: id,
        subjectName: before.key,
        workspaceId,
        before: toAudited(before),
      });
    });
  }

  /** The text of a sealed value, for an attempt that may see it. */
  async function open(organizationId: string, id: string, sealed: Buffer): Promise<string> {
    return (await sealer.open(organizationId as OrganizationId, PURPOSE, id, sealed)).toString('utf8');
  }

  return { list, create, update, remove, open };
}

/** A key that is there already is told by its name. */
async function namingTheKey<T>(key: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!isDatabaseError(error, 'unique')) throw error;
    throw new AppError('name_taken', `The workspace has a variable ${key} of this category already; change that one.`);
  }
}

function parseCursor(cursor: string | undefined): { category: string; key: string } | undefined {
  if (cursor === undefined) return undefined;
  const [category = '', ...key] = decodeCursor(cursor).split('/');
  return { category, key: key.join('/') };
}

/** Values are left out of the audit log, sensitive or not: what is no secret today is one after the next change. */
const toAudited = ({ key, category, hcl, sensitive, description }: VariableRow) => ({
  key,
  category,
  hcl,
  sensitive,
  description,
});

const present = (row: VariableRow): Variable =>
  ({
    id: row.id,
    workspace_id: row.workspace_id,
    key: row.key,
    value: row.value,
    category: row.category,
    hcl: row.hcl,
    sensitive: row.sensitive,
    description: row.description,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }) as Variable;
