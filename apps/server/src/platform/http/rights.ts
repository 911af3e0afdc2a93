import type { Permission, WorkspaceId } from '@groundcrew/protocol';

/** What somebody may do: in the whole organisation, and besides on single workspaces. */
export interface Rights {
  readonly everywhere: ReadonlySet<Permission>;
  readonly onWorkspaces: ReadonlyMap<WorkspaceId, ReadonlySet<Permission>>;
}

const NOTHING: ReadonlySet<Permission> = new Set();

/** What one may do on a workspace. */
export const rightsOn = ({ everywhere, onWorkspaces }: Rights, workspaceId: WorkspaceId): ReadonlySet<Permission> => {
  const here = onWorkspaces.get(workspaceId) ?? NOTHING;
  return here.size === 0 ? everywhere : everywhere.union(here);
};

/** @param workspaceId null for what belongs to no workspace */
export const mayOn = (rights: Rights, permission: Permission, workspaceId: WorkspaceId | null): boolean =>
  rights.everywhere.has(permission) ||
  (workspaceId !== null && (rights.onWorkspaces.get(workspaceId)?.has(permission) ?? false));

/** The workspaces on which one may do this; undefined when that is all of the organisation. */
export function reachOf({ everywhere, onWorkspaces }: Rights, permission: Permission): WorkspaceId[] | undefined {
  if (everywhere.has(permission)) return undefined;
  return [...onWorkspaces].filter(([, permissions]) => permissions.has(permission)).map(([id]) => id);
}

/** Whether one may do this on some workspace at least. */
export const mayAnywhere = (rights: Rights, permission: Permission): boolean =>
  reachOf(rights, permission)?.length !== 0;

/** Whether nothing is allowed that the other does not allow as well. */
export const isWithin = (rights: Rights, other: Rights): boolean =>
  rights.everywhere.isSubsetOf(other.everywhere) &&
  [...rights.onWorkspaces].every(([id, permissions]) => permissions.isSubsetOf(rightsOn(other, id)));
