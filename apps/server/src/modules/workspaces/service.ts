import { newId } from '@groundcrew/kit';
import type {
  OrganizationId,
  Page,
  PageQuery,
  PoolId,
  Workspace,
  WorkspaceCreate,
  WorkspaceId,
  WorkspaceUpdate,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import {
  AppError,
  decodeCursor,
  demandPermission,
  reachOf,
  toPage,
  type UserCaller,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { Decider } from '../tasks/index.ts';
import { presentWorkspace } from './present.ts';
import {
  findWorkspace,
  findWorkspaceId,
  holdPool,
  insertWorkspace,
  listOpenTasks,
  listWorkspaces,
  lockRow,
  updateWorkspace,
} from './store.ts';
import { findDeleteObstacle, type Placement, toAudited, toColumns, type WorkspaceRow } from './workspace.ts';

export interface WorkspacesDeps {
  db: Database;
  recordChange: RecordChange;
  /** The life cycle decides about locks; made after this module. */
  decider: () => Decider;
  wakeDispatcher: () => void;
}

/** More rows in the transaction of a decision about a workspace. */
type AlsoWhenDecided = Exclude<NonNullable<Parameters<Decider['decideWorkspace']>[2]>['also'], undefined>;

/** Workspaces as people keep them. */
export function createWorkspacesService({ db, recordChange, decider, wakeDispatcher }: WorkspacesDeps) {
  async function getRow(executor: Executor, organizationId: OrganizationId, idOrName: string): Promise<WorkspaceRow> {
    const row = await findWorkspace(executor, organizationId, idOrName);
    if (row === undefined) throw noWorkspace(idOrName);
    return row;
  }

  const get = async (organizationId: OrganizationId, idOrName: string): Promise<Workspace> =>
    presentWorkspace(await getRow(db, organizationId, idOrName));

  async function getWorkspaceId(organizationId: OrganizationId, idOrName: string): Promise<WorkspaceId> {
    const id = await findWorkspaceId(db, organizationId, idOrName);
    if (id === undefined) throw noWorkspace(idOrName);
    return id;
  }

  async function list(
    { organizationId, rights }: UserCaller,
    { limit, cursor, search }: PageQuery & { search?: string | undefined },
  ): Promise<Page<Workspace>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const rows = await listWorkspaces(db, organizationId, {
      ids: reachOf(rights, 'workspace:read'),
      after,
      search,
      limit: limit + 1,
    });
    return toPage(rows, limit, presentWorkspace, ({ name }) => name);
  }

  async function create(caller: UserCaller, body: WorkspaceCreate): Promise<Workspace> {
    const id = newId('ws') as WorkspaceId;
    await transaction(db, async (tx) => {
      await checkPlacement(tx, caller.organizationId, body);
      await insertWorkspace(tx, { ...toColumns(body), id, organization_id: caller.organizationId, name: body.name });
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'workspace',
        subjectId: id,
        subjectName: body.name,
        workspaceId: id,
        after: toAudited(body),
      });
    });
    return get(caller.organizationId, id);
  }

  async function update(caller: UserCaller, idOrName: string, changes: WorkspaceUpdate): Promise<Workspace> {
    const id = await getWorkspaceId(caller.organizationId, idOrName);
    await transaction(db, async (tx) => {
      await lockRow(tx, id);
      const before = await getRow(tx, caller.organizationId, id);
      // Where code runs decides what it can reach: a right on the workspace alone does not move it to another pool.
      if (movesTasks(before, changes)) demandPermission(caller, 'pool:read');
      await checkPlacement(tx, caller.organizationId, { ...before, ...toGiven(changes) });
      await updateWorkspace(tx, id, toColumns(changes));
      await recordChange(tx, {
        caller,
        action: 'update',
        noun: 'workspace',
        subjectId: id,
        subjectName: changes.name ?? before.name,
        workspaceId: id,
        before: toAudited(before, Object.keys(changes)),
        after: toAudited(changes),
      });
    });
    wakeDispatcher();
    return get(caller.organizationId, id);
  }

  /** Removes a workspace for good in the eyes of people; its history stays in the database. */
  async function remove(caller: UserCaller, idOrName: string, force: boolean): Promise<void> {
    const id = await getWorkspaceId(caller.organizationId, idOrName);
    await transaction(db, async (tx) => {
      await lockRow(tx, id);
      const workspace = await getRow(tx, caller.organizationId, id);
      const obstacle = findDeleteObstacle(workspace, await listOpenTasks(tx, id), force);
      if (obstacle) throw new AppError(obstacle.code, obstacle.sentence);
      await updateWorkspace(tx, id, { deleted_at: new Date() });
      await recordChange(tx, {
        caller,
        action: 'delete',
        noun: 'workspace',
        subjectId: id,
        subjectName: workspace.name,
        workspaceId: id,
        before: { name: workspace.name, state: workspace.state, force },
      });
    });
  }

  async function lock(caller: UserCaller, idOrName: string, reason: string): Promise<Workspace> {
    const { id, name } = await getRow(db, caller.organizationId, idOrName);
    const also = recordLock(caller, 'lock', id, name, { reason });
    await decider().decideWorkspace(
      id as WorkspaceId,
      { kind: 'lock', by: personOf(caller), reason, lockId: null },
      { also },
    );
    return get(caller.organizationId, id);
  }

  /** Errors: `conflict` with the warning while an attempt is not proven dead, unless that is acknowledged. */
  async function unlock(caller: UserCaller, idOrName: string, acknowledged: boolean): Promise<Workspace> {
    const { id, name } = await getRow(db, caller.organizationId, idOrName);
    const also = recordLock(caller, 'unlock', id, name, { acknowledged });
    await decider().decideWorkspace(
      id as WorkspaceId,
      { kind: 'unlock', by: personOf(caller), lockId: null, acknowledged },
      { also },
    );
    return get(caller.organizationId, id);
  }

  /** In the decision's own transaction; a lock that was there already is no change. */
  const recordLock =
    (caller: UserCaller, action: 'lock' | 'unlock', id: string, name: string, after: object): AlsoWhenDecided =>
    async (tx, { lock: before }, { lock: then }) => {
      if (before === then) return;
      await recordChange(tx, {
        caller,
        action,
        noun: 'workspace',
        subjectId: id,
        subjectName: name,
        workspaceId: id,
        before: { lock: before && { by: before.by, reason: before.reason } },
        after,
      });
    };

  return { get, getWorkspaceId, list, create, update, remove, lock, unlock };
}
export type WorkspacesService = ReturnType<typeof createWorkspacesService>;

const personOf = (caller: UserCaller) => ({ kind: 'person', id: caller.userId, name: caller.name }) as const;

const noWorkspace = (idOrName: string): AppError =>
  new AppError(
    'not_found',
    `There is no workspace ${JSON.stringify(idOrName.slice(0, 128))}; "groundcrew workspace list" shows those there are.`,
  );

const toGiven = (changes: WorkspaceUpdate): Partial<Placement> =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));

const movesTasks = (before: Placement, { execution_mode: mode, agent_pool_id: pool }: WorkspaceUpdate): boolean =>
  (mode !== undefined && mode !== before.execution_mode) || (pool !== undefined && pool !== before.agent_pool_id);

/** Refuses a placement in which no task could ever run. */
async function checkPlacement(
  tx: Executor,
  organizationId: OrganizationId,
  { execution_mode, agent_pool_id }: Placement,
): Promise<void> {
  if (execution_mode === 'k8s')
    throw new AppError(
      'invalid_request',
      'Execution mode k8s is not offered by this server yet; use server or agent.',
      [{ path: 'execution_mode', message: 'is not offered by this server yet' }],
    );
  if (agent_pool_id !== null && !(await holdPool(tx, organizationId, agent_pool_id as PoolId)))
    throw new AppError(
      'not_found',
      `There is no agent pool ${agent_pool_id}; "groundcrew pool list" shows those there are.`,
    );
  if (execution_mode === 'agent' && agent_pool_id === null)
    throw new AppError(
      'invalid_request',
      'Execution mode agent needs agent_pool_id: the pool whose agents run the tasks.',
      [{ path: 'agent_pool_id', message: 'is needed with execution mode agent' }],
    );
}
