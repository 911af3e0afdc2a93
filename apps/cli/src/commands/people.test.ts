import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Grant, MachineClientCreated, Me, Session, User } from '@groundcrew/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FakeHandlers, FakeRefusal, startFakeControlPlane } from '../fake-control-plane-for-tests.ts';
import { aCreatedToken, aPage, IDS } from '../records-for-tests.ts';
import { makeFolder, type Ran, run } from '../run-for-tests.ts';

const TIME = '2026-11-21T10:00:00.000Z';
const grace = {
  id: IDS.user,
  name: 'grace',
  email: 'grace@example.com',
  role: 'operator',
  has_password: true,
  signs_on_elsewhere: false,
  created_at: TIME,
  updated_at: TIME,
} as unknown as User;
const me = {
  organization: { id: IDS.organization, name: 'default', created_at: TIME },
  user: grace,
  client: null,
  permissions: [],
  workspaces: [],
} as unknown as Me;
const grant = {
  id: 'grant-aaaaaaaaaaaaaaaaaaaa',
  workspace_id: IDS.workspace,
  workspace_name: 'network',
  user_id: IDS.user,
  user_name: 'grace',
  role: 'operator',
  created_by: 'ann',
  created_at: TIME,
} as unknown as Grant;
const client = {
  id: 'client-aaaaaaaaaaaaaaaaaaaa',
  name: 'pipeline',
  description: '',
  app_key: 'app_k',
  app_secret: 'gcm_s',
  role: 'planner',
  scopes: ['task:plan'],
  workspace_ids: null,
  pool_id: null,
  previous_secret_until: null,
  created_by: 'ann',
  created_at: TIME,
  updated_at: TIME,
  expires_at: null,
  last_used_at: null,
  revoked_at: null,
} as unknown as MachineClientCreated;
const session = {
  id: 'sess-aaaaaaaaaaaaaaaaaaaa',
  user_id: IDS.user,
  address: '10.1.2.3',
  user_agent: 'Firefox',
  current: false,
  created_at: TIME,
  last_used_at: TIME,
  expires_at: TIME,
} as unknown as Session;

async function setUp(handlers: FakeHandlers = {}) {
  const plane = await startFakeControlPlane({
    handlers: { getMe: () => me, signIn: () => aCreatedToken(), listUsers: () => aPage(grace), ...handlers },
  });
  const { path: home, remove } = makeFolder();
  onTestFinished(async () => {
    remove();
    await plane.close();
  });
  const env = { HOME: home, GROUNDCREW_URL: plane.url, GROUNDCREW_TOKEN: 'gct_test' };
  const cli = (argv: string[], stdin = ''): Promise<Ran> => run(argv, { stdin, cwd: home, env });
  return { plane, cli, profile: join(home, '.config', 'groundcrew', 'profile.json') };
}

describe('people and their rights', () => {
  it('users are added with an invitation, listed, changed and removed', async () => {
    const { plane, cli } = await setUp({
      createUser: () => grace,
      createToken: () => aCreatedToken({ token: 'gcs_once' }),
      updateUser: () => ({ ...grace, role: 'admin' }),
      deleteUser: () => undefined,
    });
    expect((await cli(['user', 'create', 'grace', '--role', 'operator', '--invite'])).out).toBe('gcs_once\n');
    expect(plane.callsOf('createToken')[0]?.body).toMatchObject({ kind: 'sign_in', user_id: IDS.user });
    expect((await cli(['user', 'list'])).out).toMatch(/grace +operator +grace@example\.com +password/);
    expect((await cli(['user', 'update', 'GRACE@example.com', '--role', 'admin'])).out).toBe('grace is admin now.\n');
    expect((await cli(['user', 'delete', 'grace'])).err).toContain('add --yes');
    expect((await cli(['user', 'delete', 'grace', '--yes'])).out).toBe('Removed grace.\n');
    expect((await cli(['user', 'delete', 'nobody', '--yes'])).err).toContain('There are: grace.');
    expect((await cli(['user', 'create', 'x', '--role', 'boss'])).code).toBe(2);
  });

  it('a password comes from standard input, never from the command line', async () => {
    const { plane, cli } = await setUp({ changePassword: () => undefined });
    expect((await cli(['user', 'password'], 'old password\nnew password 1\n')).out).toContain('is changed');
    expect(plane.callsOf('changePassword')[0]?.body).toEqual({
      current_password: 'old password',
      new_password: 'new password 1',
    });
    expect((await cli(['user', 'password'], 'only one\n')).err).toContain('it takes 2, a line each');
  });

  it('grants name workspace, user and role', async () => {
    const { plane, cli } = await setUp({
      createGrant: () => grant,
      listGrants: () => aPage(grant),
      revokeGrant: () => undefined,
    });
    expect((await cli(['grant', 'create', 'network', 'grace', 'operator'])).out).toBe(
      'grace is operator on network.\n',
    );
    expect(plane.callsOf('createGrant')[0]?.body).toEqual({
      workspace_id: 'network',
      user_id: IDS.user,
      role: 'operator',
    });
    expect((await cli(['grant', 'list', '--user', 'grace'])).out).toMatch(/network +grace +operator +ann/);
    // Whoever manages a workspace alone may not read users; an id needs no look.
    const looked = plane.callsOf('listUsers').length;
    expect((await cli(['grant', 'create', 'network', IDS.user, 'viewer'])).code).toBe(0);
    expect(plane.callsOf('listUsers')).toHaveLength(looked);
    expect((await cli(['grant', 'revoke', grant.id])).out).toBe(`Revoked ${grant.id}.\n`);
  });

  it('secrets of machine clients go to standard output alone', async () => {
    const { plane, cli } = await setUp({
      createClient: () => client,
      listClients: () => aPage(client),
      rotateClient: () => client,
      revokeClient: () => undefined,
    });
    const made = await cli(['client', 'create', 'pipeline', '--role', 'planner', '--scope', 'task:plan']);
    expect([made.out, made.err]).toEqual(['gcm_s\n', expect.stringContaining('app_k')]);
    expect(plane.callsOf('createClient')[0]?.body).toMatchObject({ role: 'planner', scopes: ['task:plan'] });
    expect((await cli(['client', 'create', 'x', '--scope', 'everything'])).err).toContain('must be one of');
    expect((await cli(['client', 'list'])).out).toMatch(/pipeline +planner +task:plan/);
    expect((await cli(['client', 'rotate', 'pipeline', '--overlap-seconds', '0'])).out).toBe('gcm_s\n');
    expect(plane.callsOf('rotateClient')[0]?.body).toEqual({ overlap_seconds: 0 });
    expect((await cli(['client', 'revoke', 'pipeline', '--json'])).out).toContain(client.id);
  });

  it('sessions are listed and ended, tokens limited', async () => {
    const { plane, cli } = await setUp({
      listSessions: () => aPage(session),
      endSession: () => undefined,
      createToken: () => aCreatedToken(),
    });
    expect((await cli(['session', 'list', '--user', 'grace'])).out).toMatch(/10\.1\.2\.3 .* Firefox/);
    expect((await cli(['session', 'end', session.id])).out).toBe(`Ended ${session.id}.\n`);
    await cli([
      'token',
      'create',
      'reader',
      '--scope',
      'task:read',
      '--scope',
      'state:read',
      '--workspace',
      IDS.workspace,
    ]);
    expect(plane.callsOf('createToken')[0]?.body).toMatchObject({
      scopes: ['task:read', 'state:read'],
      workspace_ids: [IDS.workspace],
    });
  });
});

describe('login', () => {
  it('--password trades a password that was piped in', async () => {
    const { plane, cli } = await setUp();
    const { code, out } = await cli(['login', plane.url, '--password', 'grace'], 'correct horse\n');
    expect([code, out]).toEqual([0, expect.stringContaining(' as grace.')]);
    expect(plane.callsOf('signIn')[0]?.body).toMatchObject({ login: 'grace', password: 'correct horse' });
  });

  it('--password says why not', async () => {
    const { plane, cli } = await setUp({
      signIn: () => {
        throw new FakeRefusal('unauthenticated', 'Name and password do not belong together.');
      },
    });
    const { code, err } = await cli(['login', plane.url, '--password', 'grace'], 'wrong\n');
    expect([code, err]).toEqual([1, 'Error: Name and password do not belong together.\n']);
    expect((await cli(['login', plane.url, '--password', 'grace', '--browser'])).code).toBe(2);
  });

  it('--browser waits on loopback for the code and trades it with its verifier', async () => {
    const { plane, cli } = await setUp();
    const { signInByBrowser } = await import('../session/browser-sign-in.ts');
    const shown = Promise.withResolvers<string>();
    const proof = signInByBrowser(plane.url, { show: shown.resolve, open: false, waitMs: 20_000 });
    const { searchParams, pathname } = new URL(await shown.promise);
    expect([pathname, searchParams.get('code_challenge')]).toEqual([
      '/api/v1/sign-in/oidc',
      expect.stringMatching(/^[\w-]{43}$/),
    ]);
    const visit = (query: string) =>
      new Promise((resolve) => get(`${searchParams.get('redirect')}${query}`, (r) => resolve(r.resume().statusCode)));
    expect(await visit('favicon.ico')).toBe(404);
    expect(await visit('?code=the-code')).toBe(200);
    expect(await proof).toEqual({ code: 'the-code', code_verifier: expect.stringMatching(/^[\w-]{43}$/) });
    const late = signInByBrowser(plane.url, { show: () => {}, open: false, waitMs: 10 });
    await expect(late).rejects.toThrow('in time');
    await sleep(1);
    expect((await cli(['login', '--help'])).out).toContain('--browser');
  });
});
