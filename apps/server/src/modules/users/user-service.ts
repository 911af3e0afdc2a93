import { newId } from '@groundcrew/kit';
import type {
  OrganizationId,
  OrganizationRole,
  Page,
  PageQuery,
  User,
  UserCreate,
  UserId,
  UserUpdate,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, decodeCursor, notFound, toPage, type UserCaller } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { demandWithin, rightsOf } from './identity.ts';
import { presentUser } from './present.ts';
import { revokeTokensOf } from './token-store.ts';
import { countOwners, findUser, insertUser, listUsers, lockUsers, type UserRow, updateUser } from './user-store.ts';

/** To be told, in the transaction of the change, whose rights are others from now on; their open sockets are looked at anew. */
export type RightsChanged = (tx: Executor, ownerId: string) => void;

export interface UserServiceDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  /** Ends every session of a user. */
  endSessions: (tx: Executor, userId: UserId) => Promise<void>;
}

/** The people of an organisation. */
export function createUserService({ db, recordChange, rightsChanged, endSessions }: UserServiceDeps) {
  async function getRow(executor: Executor, organizationId: OrganizationId, id: UserId): Promise<UserRow> {
    const row = await findUser(executor, organizationId, id);
    if (row === undefined) throw notFound('user', id);
    return row;
  }

  const get = async (organizationId: OrganizationId, id: UserId): Promise<User> =>
    presentUser(await getRow(db, organizationId, id));

  async function list(organizationId: OrganizationId, { limit, cursor }: PageQuery): Promise<Page<User>> {
    const rows = await listUsers(
      db,
      organizationId,
      cursor === undefined ? undefined : decodeCursor(cursor),
      limit + 1,
    );
    return toPage(rows, limit, presentUser, ({ name }) => name);
  }

  async function create(caller: UserCaller, { name, email, role }: UserCreate): Promise<User> {
    demandWithin(caller, rightsOf({ role, grants: null }), role);
    const id = newId('user') as UserId;
    await transaction(db, async (tx) => {
      await insertUser(tx, { id, organization_id: caller.organizationId, name, email: email ?? null, role });
      await recordChange(tx, {
        caller,
        action: 'create',
        noun: 'user',
        subjectId: id,
        subjectName: name,
        after: { name, email, role },
      });
    });
    return get(caller.organizationId, id);
  }

  async function update(caller: UserCaller, id: UserId, changes: UserUpdate): Promise<User> {
    await transaction(db, async (tx) => {
      await lockUsers(tx, caller.organizationId);
      const user = await getRow(tx, caller.organizationId, id);
      demandReach(caller, user);
      if (changes.role !== undefined)
        demandWithin(caller, rightsOf({ role: changes.role, grants: user.grants }), changes.role);
      if (changes.role !== undefined && changes.role !== 'owner') await refuseLastOwner(tx, user);
      const { name, email, role } = changes;
      rightsChanged(tx, id);
      await updateUser(tx, id, { ...(name && { name }), ...(email !== undefined && { email }), ...(role && { role }) });
      await recordChange(tx, {
        caller,
        action: 'update',
        noun: 'user',
        subjectId: id,
        subjectName: name ?? user.name,
        before: { name: user.name, email: user.email, role: user.role },
        after: changes,
      });
    });
    return get(caller.organizationId, id);
  }

  /** Removes a user; their tokens and sessions stop working in the same moment. */
  async function remove(caller: UserCaller, id: UserId): Promise<void> {
    await transaction(db, async (tx) => {
      await lockUsers(tx, caller.organizationId);
      const user = await getRow(tx, caller.organizationId, id);
      demandReach(caller, user);
      await refuseLastOwner(tx, user);
      await updateUser(tx, id, { deleted_at: new Date() });
      await revokeTokensOf(tx, id);
      await endSessions(tx, id);
      rightsChanged(tx, id);
      await recordChange(tx, {
        caller,
        action: 'delete',
        noun: 'user',
        subjectId: id,
        subjectName: user.name,
        before: { name: user.name, role: user.role },
      });
    });
  }

  return { get, list, create, update, remove };
}
export type UserService = ReturnType<typeof createUserService>;

/** Refuses to touch somebody who may do more: an administrator neither makes nor unmakes owners. */
export const demandReach = (caller: UserCaller, user: UserRow): void =>
  demandWithin(caller, rightsOf(user), user.role as OrganizationRole);

/** To be asked under the lock of {@link lockUsers}. */
export const isLastOwner = async (tx: Executor, user: UserRow): Promise<boolean> =>
  user.role === 'owner' && (await countOwners(tx, user.organization_id as OrganizationId)) <= 1;

/** Called under the lock of {@link lockUsers}, so that two owners cannot remove each other at once. */
async function refuseLastOwner(tx: Executor, user: UserRow): Promise<void> {
  if (!(await isLastOwner(tx, user))) return;
  throw new AppError(
    'conflict',
    `${user.name} is the last owner of the organisation; make somebody else an owner first.`,
  );
}
