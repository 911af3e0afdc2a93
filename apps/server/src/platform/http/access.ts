import type { Access } from '@groundcrew/protocol';
import { AppError } from './app-error.ts';
import type { Authenticators, Caller, Identity, RequestInfo } from './caller.ts';

/** What each kind of caller has to bring. */
const CREDENTIALS = {
  user: 'an API token (gct_…)',
  agent: "an agent's credential (the token that registering gave, or agt_…)",
  registrant: 'a registration token (agt_… or apt_…)',
  attempt: "the attempt's own credential (att_…)",
} as const;

/** Longer than any credential; what exceeds it is not looked up. */
const MAX_CREDENTIAL_LENGTH = 4096;

/**
 * Tells who makes a call and refuses who may not. A missing, malformed and unknown credential are refused alike
 * (`unauthenticated`); a valid one without the right is `forbidden`, with the permission named.
 */
export async function authorise(access: Access, request: RequestInfo, authenticators: Authenticators): Promise<Caller> {
  if (access.who === 'anybody') return { kind: 'anybody', request };
  const identity = await identify(access.who, request, authenticators);
  if (access.who === 'user') demandPermission(identity, access.permission);
  return { ...identity, request };
}

async function identify(
  who: keyof typeof CREDENTIALS,
  request: RequestInfo,
  authenticators: Authenticators,
): Promise<Identity> {
  const token = findBearer(request.headers.authorization);
  const identity = token === undefined ? undefined : await authenticators[who](token);
  if (identity === undefined)
    throw new AppError(
      'unauthenticated',
      `This call needs ${CREDENTIALS[who]} as "Authorization: Bearer …"; none that is valid came with it.`,
    );
  return identity;
}

/** Refuses a user who lacks a permission; for rights that depend on more than the route. */
export function demandPermission(identity: Identity, permission: Extract<Access, { who: 'user' }>['permission']): void {
  if (identity.kind !== 'user') throw new AppError('forbidden', 'Only a user may do this.');
  if (permission === 'signed_in' || identity.permissions.has(permission)) return;
  throw new AppError(
    'forbidden',
    `This needs the permission ${permission}, which the role ${identity.role} does not have; ask an administrator for it.`,
  );
}

/** The token of an `Authorization: Bearer …` header. */
export function findBearer(header: string | undefined): string | undefined {
  if (header === undefined || header.length > MAX_CREDENTIAL_LENGTH) return undefined;
  return /^Bearer +([^\s]+)$/i.exec(header)?.[1];
}
