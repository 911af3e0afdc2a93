import type { OrganizationRole, Permission, Role } from '@groundcrew/protocol';
import type { LiveServer } from '../modules/tasks/live-server-for-tests.ts';
import { csrfTokenOf } from '../platform/http/index.ts';
import { insertGrant, insertSession, insertToken, insertUser, type Organisation } from './world-for-tests.ts';

type Headers = Record<string, string>;

/** A kind of caller: a column of the table. */
export interface TestCaller {
  name: string;
  /** Head of the column. */
  short: string;
  meaning: string;
  isForeign: boolean;
  /** What proves who it is; a new credential of the same kind each time, where there can be several. */
  headers: () => Promise<Headers>;
}

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

/** Everybody who may come, from the organisation itself and from another one. */
export async function makeCallers(
  live: LiveServer,
  own: Organisation,
  foreign: Organisation & { ownerId: string },
): Promise<TestCaller[]> {
  const { db } = live;
  const callers: TestCaller[] = [];
  const add = (short: string, name: string, meaning: string, headers: TestCaller['headers'], isForeign = false) =>
    void callers.push({ short, name, meaning, headers, isForeign });

  const person = async (role: OrganizationRole, grant?: Role) => {
    const id = await insertUser(db, own.id, role);
    if (grant !== undefined)
      await insertGrant(db, own.id, { userId: id, workspaceId: own.granted.workspaceId, role: grant });
    return id;
  };
  const byToken =
    (userId: string, given: Parameters<typeof insertToken>[3] = {}) =>
    async () =>
      bearer(await insertToken(db, own.id, userId, given));
  const bySession = (userId: string, csrf: boolean) => async (): Promise<Headers> => {
    const secret = await insertSession(db, own.id, userId);
    const cookie = `groundcrew=${secret}`;
    if (!csrf) return { cookie, origin: 'https://evil.example.com' };
    return { cookie, origin: live.url, 'x-csrf-token': csrfTokenOf(secret) };
  };
  const byClient = async (organisation: Organisation, body: object) => {
    const { app_key, app_secret } = await live.must('createClient', organisation.owner, {
      body: { name: `c-${callers.length}`, ...body },
    });
    return async () => ({ 'x-app-key': app_key, 'x-app-secret': app_secret });
  };

  add('no', 'nobody', 'no credential at all', async () => ({}));
  for (const [short, role] of [
    ['ow', 'owner'],
    ['ad', 'admin'],
    ['op', 'operator'],
    ['pl', 'planner'],
    ['vi', 'viewer'],
    ['me', 'member'],
  ] as const)
    add(short, role, `a user with the role ${role} in the organisation`, byToken(await person(role)));
  for (const [short, role] of [
    ['gA', 'admin'],
    ['gO', 'operator'],
    ['gP', 'planner'],
    ['gV', 'viewer'],
  ] as const)
    add(
      short,
      `granted ${role}`,
      `a member with the role ${role} on the granted workspace`,
      byToken(await person('member', role)),
    );
  add(
    'vO',
    'viewer, granted operator',
    'a viewer with the role operator on the granted workspace',
    byToken(await person('viewer', 'operator')),
  );
  const owner = await person('owner');
  const scopes: Permission[] = ['task:read', 'workspace:read'];
  add('sc', 'scoped token', `an owner's token with the scopes ${scopes.join(', ')}`, byToken(owner, { scopes }));
  add(
    'wt',
    'workspace token',
    "an owner's token for the granted workspace alone",
    byToken(owner, { workspaceIds: [own.granted.workspaceId] }),
  );
  add(
    'ex',
    'expired token',
    "an owner's token that has expired",
    byToken(owner, { expiresAt: new Date(Date.now() - 1) }),
  );
  add('re', 'revoked token', "an owner's token that was revoked", byToken(owner, { revokedAt: new Date() }));
  add('se', 'session', "an admin's browser, from a page of this server", bySession(await person('admin'), true));
  add(
    'sf',
    'session, forged',
    "an admin's browser, from a page of another site",
    bySession(await person('admin'), false),
  );
  add('cl', 'machine client', 'a machine client with the role operator', await byClient(own, { role: 'operator' }));
  add(
    'cp',
    "pool's machine client",
    'a machine client that names a pool, with the role member',
    await byClient(own, { pool_id: own.crew.pool.id }),
  );

  for (const [organisation, isForeign] of [
    [own, false],
    [foreign, true],
  ] as const) {
    const [head, whose] = isForeign ? ['F', 'of another organisation'] : ['', ''];
    const extra = (short: string, name: string, headers: TestCaller['headers']) =>
      add(`${head}${short}`, `${name} ${whose}`.trim(), `${name} ${whose}`.trim(), headers, isForeign);
    if (isForeign) {
      extra('ow', 'owner', async () => bearer(await insertToken(db, foreign.id, foreign.ownerId)));
      extra('cl', 'machine client', await byClient(foreign, { role: 'owner', pool_id: foreign.crew.pool.id }));
    }
    extra('ag', "agent's token (agt_)", async () => bearer(organisation.agentToken));
    extra('ap', "pool's token (apt_)", async () => bearer(organisation.crew.token));
    extra('jw', "agent's JWT", async () => bearer(organisation.crew.agents[0]?.token ?? ''));
    extra('at', "attempt's credential", async () => bearer(organisation.granted.attempt.token));
  }
  return callers;
}
