import { newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type { OrganizationId, Page, Session, SessionId, SessionQuery, UserId } from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import {
  type Credential,
  decodeCursor,
  demandPermission,
  notFound,
  type RequestInfo,
  SESSION_COOKIES,
  toPage,
  type UserCaller,
  type UserIdentity,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { demandPerson, demandReach, findUser, type RightsChanged, toIdentity, type UserRow } from '../users/index.ts';
import * as store from './session-store.ts';

export interface SessionsDeps {
  db: Database;
  recordChange: RecordChange;
  rightsChanged: RightsChanged;
  now: () => number;
  /** Whether browsers reach this server over TLS, or from another machine, where they must. */
  isSecure: boolean;
}

type SessionCookie = Extract<Credential, { kind: 'session' }>;

const PREFIX = 'gcw_';
/** However much it is used, a session ends after so long. */
const LIFE_MS = 30 * 86_400_000;
const LONGEST_USER_AGENT = 300;

/** Browsers that are signed in. */
export function createSessionsService({ db, recordChange, rightsChanged, now, isSecure }: SessionsDeps) {
  const cookieName = SESSION_COOKIES[isSecure ? 0 : 1];
  const cookie = (value: string, seconds: number): string =>
    `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;

  /**
   * Who brings this cookie, or undefined when its session has ended. Where cookies are secure none under another name counts:
   * that one could have been set by a neighbour on the same domain, to have somebody work in a stranger's session.
   */
  const findByCookie = async ({ cookie: name, token }: SessionCookie): Promise<UserIdentity | undefined> =>
    name === cookieName ? findIdentity(token) : undefined;

  async function findIdentity(secret: string): Promise<UserIdentity | undefined> {
    const owner = secret.startsWith(PREFIX) ? await store.findSessionOwner(db, sha256Hex(secret)) : undefined;
    if (owner === undefined) return undefined;
    // Nobody waits for this; a session that is used once a minute does not end of idleness.
    if (owner.stale) void store.touchSession(db, owner.session_id).catch(() => {});
    return toIdentity(owner, { kind: 'session', id: owner.session_id, secret });
  }

  /** Begins a session; its secret goes into the cookie and is kept nowhere. */
  async function begin(tx: Executor, user: UserRow, request: RequestInfo): Promise<{ id: SessionId; secret: string }> {
    const [id, secret] = [newId('sess') as SessionId, `${PREFIX}${newSecret()}`];
    await store.insertSession(tx, {
      id,
      organization_id: user.organization_id,
      user_id: user.id,
      secret_hash: sha256Hex(secret),
      address: request.address,
      user_agent: (request.headers['user-agent'] ?? '').slice(0, LONGEST_USER_AGENT),
      expires_at: new Date(now() + LIFE_MS),
    });
    return { id, secret };
  }

  async function get(organizationId: OrganizationId, id: SessionId, current: SessionId | null): Promise<Session> {
    const row = await store.findSession(db, organizationId, id);
    if (row === undefined) throw notFound('session', id);
    return presentSession(row, current);
  }

  async function list(caller: UserCaller, query: SessionQuery): Promise<Page<Session>> {
    const userId = query.user_id ?? demandPerson(caller);
    if (userId !== caller.userId) await demandOver(caller, userId);
    const below = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
    const rows = await store.listSessions(db, caller.organizationId, userId, below, query.limit + 1);
    return toPage(
      rows,
      query.limit,
      (row) => presentSession(row, currentOf(caller)),
      ({ id }) => id,
    );
  }

  /** Ends a session at once, its sockets included: one's own, or that of somebody one may manage. */
  async function end(caller: UserCaller, id: SessionId): Promise<void> {
    const session = await store.findSession(db, caller.organizationId, id);
    if (session === undefined) throw notFound('session', id);
    if (session.user_id !== caller.userId) {
      if (!caller.permissions.has('user:write')) throw notFound('session', id);
      await demandOver(caller, session.user_id);
    }
    await transaction(db, async (tx) => {
      await store.endSession(tx, id);
      rightsChanged(tx, session.user_id);
      await recordChange(tx, {
        caller,
        action: 'end',
        noun: 'session',
        subjectId: id,
        before: { user_id: session.user_id, address: session.address },
      });
    });
  }

  async function demandOver(caller: UserCaller, userId: UserId): Promise<void> {
    demandPermission(caller, 'user:write');
    const user = await findUser(db, caller.organizationId, userId);
    if (user === undefined) throw notFound('user', userId);
    demandReach(caller, user);
  }

  return {
    findByCookie,
    findIdentity,
    begin,
    get,
    list,
    end,
    cookieOf: (secret: string): string => cookie(secret, LIFE_MS / 1000),
    noCookie: (): string => cookie('', 0),
  };
}
export type SessionsService = ReturnType<typeof createSessionsService>;

export const currentOf = ({ via }: UserIdentity): SessionId | null => (via.kind === 'session' ? via.id : null);

const presentSession = (row: store.SessionRow, current: SessionId | null): Session => ({
  ...row,
  current: row.id === current,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
});
