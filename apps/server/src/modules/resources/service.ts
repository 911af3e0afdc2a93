import { newId } from '@groundcrew/kit';
import type {
  OrganizationId,
  Page,
  PageQuery,
  Resource,
  ResourceCreate,
  ResourceId,
  ResourceUpdate,
  WorkspaceId,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { decodeCursor, notFound, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import {
  addVersion,
  deleteResource,
  findResource,
  insertResource,
  listResources,
  lockResource,
  type ResourceRow,
} from './store.ts';

export interface ResourcesDeps {
  db: Database;
  recordChange: RecordChange;
  /** Throws not-found. */
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
}

/** Fragments of code beside the configuration. A task runs with the versions there were when it was asked for, so none is ever changed or lost. */
export function createResourcesService({ db, recordChange, getWorkspaceId }: ResourcesDeps) {
  async function getRow(
    executor: Executor,
    workspaceId: WorkspaceId,
    id: ResourceId,
    version?: number,
  ): Promise<ResourceRow> {
    const row = await findResource(executor, workspaceId, id, version);
    if (row === undefined)
      throw notFound(version === undefined ? 'resource fragment' : `version ${version} of the resource fragment`, id);
    return row;
  }

  async function list(caller: UserCaller, idOrName: string, { limit, cursor }: PageQuery): Promise<Page<Resource>> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    const rows = await listResources(
      db,
      workspaceId,
      cursor === undefined ? undefined : decodeCursor(cursor),
      limit + 1,
    );
    return toPage(rows, limit, present, ({ name }) => name);
  }

  async function get(caller: UserCaller, idOrName: string, id: ResourceId, version?: number): Promise<Resource> {
    return present(await getRow(db, await getWorkspaceId(caller.organizationId, idOrName), id, version));
  }

  async function create(
    caller: UserCaller,
    idOrName: string,
    { name, type, tf_code }: ResourceCreate,
  ): Promise<Resource> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    const id = newId('res') as ResourceId;
    return transaction(db, async (tx) => {
      await insertResource(tx, { id, organization_id: caller.organizationId, workspace_id: workspaceId, name });
      await addVersion(tx, caller.organizationId, id, { type, tf_code, created_by: caller.name });
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'resource',
        subjectId: id,
        subjectName: name,
        workspaceId,
        after: { name, type, tf_code },
      });
      return present(await getRow(tx, workspaceId, id));
    });
  }

  /** Adds a version; what the update does not give is as in the one before. */
  async function update(
    caller: UserCaller,
    idOrName: string,
    id: ResourceId,
    changes: ResourceUpdate,
  ): Promise<Resource> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    return transaction(db, async (tx) => {
      await lockResource(tx, workspaceId, id);
      const before = await getRow(tx, workspaceId, id);
      const { type = before.type, tf_code = before.tf_code } = changes;
      await addVersion(tx, caller.organizationId, id, { type, tf_code, created_by: caller.name });
      const after = await getRow(tx, workspaceId, id);
      await recordChange(tx, {
        caller,
        action: 'update',
        noun: 'resource',
        subjectId: id,
        subjectName: before.name,
        workspaceId,
        before: { version: before.version, type: before.type },
        after: { version: after.version, type, tf_code },
      });
      return present(after);
    });
  }

  /** Takes it out of future tasks; those that were asked for keep their versions. */
  async function remove(caller: UserCaller, idOrName: string, id: ResourceId): Promise<void> {
    const workspaceId = await getWorkspaceId(caller.organizationId, idOrName);
    await transaction(db, async (tx) => {
      await lockResource(tx, workspaceId, id);
      const before = await getRow(tx, workspaceId, id);
      await deleteResource(tx, id);
      await recordChange(tx, {
        caller,
        action: 'delete',
        noun: 'resource',
        subjectId: id,
        subjectName: before.name,
        workspaceId,
        before: { name: before.name, version: before.version },
      });
    });
  }

  return { list, get, create, update, remove };
}

const present = (row: ResourceRow): Resource =>
  ({
    resource_id: row.id,
    workspace_id: row.workspace_id,
    name: row.name,
    type: row.type,
    version: row.version,
    tf_code: row.tf_code,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }) as Resource;
