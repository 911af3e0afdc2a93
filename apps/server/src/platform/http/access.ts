import type { IncomingHttpHeaders } from 'node:http';
import type { Access, OrganizationId, Place, RouteSpec, WorkspaceId } from '@groundcrew/protocol';
import { AppError, notFound } from './app-error.ts';
import type { Authenticators, Caller, Identity, RequestInfo, UserCaller, UserIdentity } from './caller.ts';
import { type Credential, findCredential } from './credential.ts';
import { refuseForged } from './forgery.ts';
import { mayAnywhere, rightsOn } from './rights.ts';

/** What each kind of caller has to bring. */
const CREDENTIALS = {
  user: 'an API token (gct_…)',
  agent: "an agent's credential (the token that registering gave, or agt_…)",
  registrant: 'a registration token (agt_… or apt_…)',
  attempt: "the attempt's own credential (att_…)",
} as const;

/**
 * Tells who makes a call and refuses who may not make it anywhere. A missing, malformed and unknown credential are refused alike
 * (`unauthenticated`); a valid one without the right is `forbidden`, with the permission named. Where the right depends on what
 * the call is about, {@link demandPlace} decides once that is known.
 */
export async function authorise(
  { access, method }: Pick<RouteSpec, 'access' | 'method'>,
  request: RequestInfo,
  authenticators: Authenticators,
): Promise<Caller> {
  if (access.who === 'anybody') return { kind: 'anybody', request };
  const identity = await identify(access.who, request.headers, authenticators);
  if (access.who === 'user') {
    const { via, ...user } = identity as UserIdentity;
    if (via.kind === 'session') refuseForged(method, request.headers, via.secret);
    // A member whom nobody has granted anything yet sees lists with nothing in them.
    if (access.on !== 'listed' || user.role !== 'member')
      demandPermission(user, access.permission, access.on !== undefined);
  }
  return { ...identity, request };
}

async function identify(
  who: keyof typeof CREDENTIALS,
  headers: IncomingHttpHeaders,
  authenticators: Authenticators,
): Promise<Identity> {
  const credential = findCredential(headers);
  const identity = credential && (await find(who, credential, authenticators));
  if (identity === undefined)
    throw new AppError(
      'unauthenticated',
      `This call needs ${CREDENTIALS[who]} as "Authorization: Bearer …"; none that is valid came with it.`,
    );
  return identity;
}

/** People and machine clients have several ways; what runs on hosts brings bearers only. */
async function find(
  who: keyof typeof CREDENTIALS,
  credential: Credential,
  authenticators: Authenticators,
): Promise<Identity | undefined> {
  if (who === 'user' || who === 'registrant') return authenticators[who](credential);
  return credential.kind === 'bearer' ? authenticators[who](credential.token) : undefined;
}

/** Refuses a user who lacks a permission; for rights that depend on more than the route. */
export function demandPermission(
  { permissions, rights, role }: Pick<UserIdentity, 'permissions' | 'rights' | 'role'>,
  permission: Extract<Access, { who: 'user' }>['permission'],
  somewhere = false,
): void {
  if (permission === 'signed_in' || permissions.has(permission)) return;
  if (somewhere && mayAnywhere(rights, permission)) return;
  throw new AppError(
    'forbidden',
    `This needs the permission ${permission}, which the role ${role} or the credential does not have; ask an administrator for it.`,
  );
}

/** The workspace that a call is about, by what the call names; undefined when there is none in the organisation. */
export type FindPlace = (
  place: Exclude<Place, 'listed'>,
  organizationId: OrganizationId,
  id: string,
) => Promise<WorkspaceId | undefined>;

/** What of a checked request may name a workspace. */
export interface PlacedInput {
  readonly params?: object | undefined;
  readonly body?: unknown;
}

/** A call whose caller may make it. */
export interface Placed {
  /** With the permissions they have where the call is about. */
  readonly caller: UserCaller;
  /** Names the workspace by its id, where a name decided: a rename meanwhile leads to no other one. */
  readonly input: PlacedInput;
}

/**
 * Decides by what the call is about. Whoever has the permission everywhere costs no look into
 * the database. Errors: `not_found` for what they may not even read, as if it were not there; `forbidden` for the rest.
 */
export async function demandPlace(
  { permission, on }: Extract<Access, { who: 'user' }>,
  caller: UserCaller,
  input: PlacedInput,
  findPlace: FindPlace,
): Promise<Placed> {
  if (on === undefined || on === 'listed' || permission === 'signed_in') return { caller, input };
  if (caller.rights.onWorkspaces.size === 0) return { caller, input };
  const id = idOf(on, input);
  const workspaceId = await findPlace(on, caller.organizationId, id);
  const permissions = workspaceId === undefined ? caller.permissions : rightsOn(caller.rights, workspaceId);
  if (workspaceId === undefined || !permissions.has('workspace:read'))
    if (!permissions.has(permission)) throw notFound(NOUNS[on], id);
  const placed = { ...caller, permissions };
  demandPermission(placed, permission);
  return { caller: placed, input: workspaceId === undefined ? input : pin(on, input, workspaceId) };
}

function pin(on: Exclude<Place, 'listed'>, input: PlacedInput, workspaceId: WorkspaceId): PlacedInput {
  if (on === 'workspace') return { ...input, params: { ...input.params, workspace_id: workspaceId } };
  return on === 'body' ? { ...input, body: { ...(input.body as object), workspace_id: workspaceId } } : input;
}

const NOUNS: Readonly<Record<Exclude<Place, 'listed'>, string>> = {
  workspace: 'workspace',
  body: 'workspace',
  task: 'task',
  state_version: 'state version',
  grant: 'grant',
};

function idOf(on: Exclude<Place, 'listed'>, { params, body }: PlacedInput): string {
  const value =
    on === 'body'
      ? (body as { workspace_id?: unknown } | undefined)?.workspace_id
      : (params as Record<string, unknown>)[`${on}_id`];
  if (typeof value !== 'string')
    throw new Error(`A call about a ${NOUNS[on]} names none; its row in the table is wrong.`);
  return value;
}
