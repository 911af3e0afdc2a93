import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type { OidcStartQuery, OrganizationId, UserId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import { AppError, findCookie, type RequestInfo } from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { endSessions, type SignInModule } from '../sign-in/index.ts';
import {
  findUser,
  insertUser,
  isLastOwner,
  lockUsers,
  type RightsChanged,
  revokeTokensOf,
  type UserRow,
  updateUser,
} from '../users/index.ts';
import { type Person, type PersonRules, toPerson } from './person.ts';
import type { Provider } from './provider.ts';
import * as store from './store.ts';
import { beginTrip, type Errand, findTrip, TRIP_SECONDS } from './trip.ts';

export interface OidcDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  now: () => number;
  provider: Provider;
  rules: PersonRules;
  /** Whether people whom nobody added before become users when they first sign on. */
  createsUsers: boolean;
  isSecure: boolean;
  /** The organisation that people who sign on belong to. */
  getOrganizationId: () => Promise<OrganizationId>;
  signIn: Pick<SignInModule, 'beginSession' | 'cookieOf' | 'insertCode' | 'takeSignOn'>;
}

/** Signing on through an OpenID provider: authorisation code, PKCE, state and nonce. */
export function createOidcService(deps: OidcDeps) {
  const { db, recordChange, rightsChanged, now, provider, rules, isSecure, signIn } = deps;
  /** With the prefix no neighbour on the same domain can plant a trip of theirs, which would sign a stranger's browser on. */
  const cookieName = isSecure ? '__Host-groundcrew_oidc' : 'groundcrew_oidc';
  /** Lax, since the provider is another site that sends the browser back. */
  const cookie = (value: string, seconds: number): string =>
    `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;

  /** Gives the provider's address for this browser. Errors: `rate_limited`, `unavailable`. */
  async function start(request: RequestInfo, { redirect, code_challenge }: OidcStartQuery): Promise<string> {
    if ((redirect === undefined) !== (code_challenge === undefined))
      throw new AppError('invalid_request', 'redirect and code_challenge are given together, or neither.');
    await signIn.takeSignOn('start', request.address);
    const errand = redirect && code_challenge ? { redirect, codeChallenge: code_challenge } : undefined;
    const trip = beginTrip(now(), errand);
    const url = await provider.authorizationUrl(trip);
    request.setCookie(cookie(trip.cookie, TRIP_SECONDS));
    return url;
  }

  /** Takes the browser back from the provider and gives the address it goes on to. Errors: `unauthenticated`, `forbidden`, `rate_limited`. */
  async function finish(request: RequestInfo, state: string | undefined, search: string): Promise<string> {
    const trip = findTrip(findCookie(request.headers.cookie, cookieName), state, now());
    if (trip === undefined) throw new AppError('unauthenticated', NOT_BEGUN);
    // Anybody can make up a trip of their own, and each asks the provider. Who is refused keeps theirs, to come back with.
    await signIn.takeSignOn('callback', request.address);
    request.setCookie(cookie('', 0));
    const claims = await provider.claimsOf(search, trip);
    const person = toPerson(claims, rules);
    if (typeof person === 'string') throw new AppError('forbidden', person);
    const organizationId = await deps.getOrganizationId();
    return transaction(db, async (tx) => {
      if (!(await store.useState(tx, sha256Hex(trip.state)))) throw new AppError('unauthenticated', NOT_BEGUN);
      const user = await takeIn(tx, organizationId, person);
      return trip.errand === undefined ? enter(tx, user, request) : handOver(tx, user, trip.errand);
    });
  }

  /** The console, with a session. */
  async function enter(tx: Executor, user: UserRow, request: RequestInfo): Promise<string> {
    request.setCookie(signIn.cookieOf(await signIn.beginSession(tx, user, request, 'oidc')));
    return '/';
  }

  /** A CLI's loopback address, with a code that only this CLI can trade. */
  async function handOver(tx: Executor, user: UserRow, { redirect, codeChallenge }: Errand): Promise<string> {
    const code = newSecret();
    const { id, organization_id } = user;
    await signIn.insertCode(tx, sha256Hex(code), { organization_id, user_id: id, code_challenge: codeChallenge });
    return `${redirect}?code=${code}`;
  }

  /** The user this person is, or becomes. Under a lock, so that two sign-ons at once make one user. */
  async function takeIn(tx: Executor, organizationId: OrganizationId, person: Person): Promise<UserRow> {
    await lockUsers(tx, organizationId);
    const id = await store.findPersonId(tx, organizationId, { ...person, issuer: provider.issuer });
    const known = id && (await findUser(tx, organizationId, id));
    const userId = known ? await refresh(tx, known, person) : await create(tx, organizationId, person);
    return (await findUser(tx, organizationId, userId)) as UserRow;
  }

  /** What the provider says of somebody's role holds from each sign-on; the last owner stays one. */
  async function refresh(tx: Executor, known: UserRow, person: Person): Promise<UserId> {
    const id = known.id as UserId;
    const isNew = !known.signs_on_elsewhere;
    const changesRole = person.isRoleMapped && person.role !== known.role && !(await isLastOwner(tx, known));
    if (!isNew && !changesRole) return id;
    await updateUser(tx, id, {
      ...(isNew && { oidc_issuer: provider.issuer, oidc_subject: person.subject }),
      ...(changesRole && { role: person.role }),
    });
    if (changesRole && person.role === 'owner') await beginAnew(tx, id);
    rightsChanged(tx, id);
    await record(tx, known.organization_id, 'update', id, known.name, { before: { role: known.role }, after: person });
    return id;
  }

  /**
   * Nobody reaches above themselves: an administrator could make credentials for this user until now, and must not hold an
   * owner's from now on. Below owners there is nothing that an administrator could not do anyway.
   */
  async function beginAnew(tx: Executor, id: UserId): Promise<void> {
    await revokeTokensOf(tx, id);
    await endSessions(tx, id);
    await updateUser(tx, id, { password_hash: null });
  }

  async function create(tx: Executor, organizationId: OrganizationId, person: Person): Promise<UserId> {
    if (!deps.createsUsers)
      throw new AppError(
        'forbidden',
        'There is no user for you here; ask an administrator to add one with your e-mail address.',
      );
    const id = newId('user') as UserId;
    const taken = await store.isNameTaken(tx, organizationId, person.name);
    const name = taken ? `${person.name}-${id.slice(-6)}` : person.name;
    await insertUser(tx, {
      id,
      organization_id: organizationId,
      name,
      email: person.email,
      role: person.role,
      oidc_issuer: provider.issuer,
      oidc_subject: person.subject,
    });
    await record(tx, organizationId, 'create', id, name, { after: person });
    return id;
  }

  const record = (
    tx: Executor,
    organizationId: string,
    action: string,
    subjectId: UserId,
    subjectName: string,
    values: { before?: unknown; after: unknown },
  ): Promise<void> =>
    recordChange(tx, {
      caller: { kind: 'system', organizationId, name: 'OpenID sign-on' },
      ...{ action, noun: 'user', subjectId, subjectName, ...values },
    } as Parameters<RecordChange>[1]);

  return { start, finish };
}

const NOT_BEGUN =
  'This sign-on was not begun in this browser, has taken too long, or was used before; begin again at the sign-in page.';
