import { newId } from '@groundcrew/kit';
import type {
  Grant,
  GrantCreate,
  GrantId,
  GrantQuery,
  OrganizationId,
  Page,
  Role,
  UserId,
  WorkspaceId,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, decodeCursor, notFound, reachOf, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { GRANT_PERMISSIONS } from '../rights/index.ts';
import { findUser, type RightsChanged } from '../users/index.ts';
import * as store from './store.ts';

export interface GrantsDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  /** Id of a workspace by id or name; throws not-found. */
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
}

/** Roles on single workspaces. */
export function createGrantsService({ db, recordChange, rightsChanged, getWorkspaceId }: GrantsDeps) {
  async function list(caller: UserCaller, query: GrantQuery): Promise<Page<Grant>> {
    const rows = await store.listGrants(db, caller.organizationId, {
      among: reachOf(caller.rights, 'grant:read'),
      workspaceId:
        query.workspace_id === undefined ? undefined : await getWorkspaceId(caller.organizationId, query.workspace_id),
      userId: query.user_id,
      after: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      limit: query.limit + 1,
    });
    return toPage(rows, query.limit, presentGrant, ({ id }) => id);
  }

  /** Gives a role on a workspace, in the place of the one the user has there. Errors: `forbidden` beyond the caller's own rights. */
  async function create(caller: UserCaller, body: GrantCreate): Promise<Grant> {
    const workspaceId = await getWorkspaceId(caller.organizationId, body.workspace_id);
    demandRole(caller, body.role);
    const id = await transaction(db, async (tx) => {
      const user = await findUser(tx, caller.organizationId, body.user_id);
      if (user === undefined) throw notFound('user', body.user_id);
      const before = await store.holdGrant(tx, workspaceId, body.user_id);
      if (before !== undefined) demandRole(caller, before.role);
      const grantId = await store.upsertGrant(tx, {
        id: newId('grant') as GrantId,
        organization_id: caller.organizationId,
        workspace_id: workspaceId,
        user_id: body.user_id,
        role: body.role,
        created_by: caller.name,
      });
      await record(tx, caller, before === undefined ? 'create' : 'update', grantId, {
        user_name: user.name,
        user_id: body.user_id,
        workspace_id: workspaceId,
        before: before?.role,
        after: body.role,
      });
      return grantId;
    });
    return presentGrant(await getRow(db, caller.organizationId, id));
  }

  async function revoke(caller: UserCaller, id: GrantId): Promise<void> {
    await transaction(db, async (tx) => {
      const grant = await getRow(tx, caller.organizationId, id);
      demandRole(caller, grant.role);
      await store.deleteGrant(tx, id);
      await record(tx, caller, 'revoke', id, { ...grant, before: grant.role });
    });
  }

  async function getRow(executor: Executor, organizationId: OrganizationId, id: GrantId): Promise<store.GrantRow> {
    const row = await store.findGrant(executor, organizationId, id);
    if (row === undefined) throw notFound('grant', id);
    return row;
  }

  interface Changed {
    user_name: string;
    user_id: UserId;
    workspace_id: WorkspaceId;
    before?: Role | undefined;
    after?: Role;
  }
  async function record(
    tx: Executor,
    caller: UserCaller,
    action: string,
    id: GrantId,
    { user_name, user_id, workspace_id, before, after }: Changed,
  ): Promise<void> {
    rightsChanged(tx, user_id);
    await recordChange(tx, {
      caller,
      action,
      noun: 'grant',
      subjectId: id,
      subjectName: user_name,
      workspaceId: workspace_id,
      before: before && { user_id, role: before },
      after: after && { user_id, role: after },
    });
  }

  return { list, create, revoke };
}

/** The caller's permissions are those on the grant's workspace: nobody gives or takes away more than they have there. */
function demandRole({ permissions }: UserCaller, role: Role): void {
  if (GRANT_PERMISSIONS[role].isSubsetOf(permissions)) return;
  throw new AppError(
    'forbidden',
    `The role ${role} may do more on this workspace than you; only somebody of that role may give it or take it away.`,
  );
}

const presentGrant = (row: store.GrantRow): Grant => ({ ...row, created_at: row.created_at.toISOString() });
