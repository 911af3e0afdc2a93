import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Me } from '@groundcrew/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FakeHandlers, FakeRefusal, startFakeControlPlane } from '../fake-control-plane-for-tests.ts';
import { aCreatedToken, IDS } from '../records-for-tests.ts';
import { makeFolder, type Ran, run } from '../run-for-tests.ts';

const TIME = '2026-11-21T10:00:00.000Z';
const me = {
  organization: { id: IDS.organization, name: 'default', created_at: TIME },
  user: {
    id: IDS.user,
    name: 'ann',
    email: null,
    role: 'owner',
    has_password: false,
    signs_on_elsewhere: false,
    created_at: TIME,
    updated_at: TIME,
  },
  client: null,
  permissions: [],
  workspaces: [],
} as unknown as Me;

async function setUp(handlers: FakeHandlers = {}) {
  const plane = await startFakeControlPlane({
    handlers: { getMe: () => me, signIn: () => aCreatedToken(), revokeToken: () => undefined, ...handlers },
  });
  const { path: home, remove } = makeFolder();
  onTestFinished(async () => {
    remove();
    await plane.close();
  });
  const cli = (argv: string[], stdin = ''): Promise<Ran> => run(argv, { stdin, cwd: home, env: { HOME: home } });
  return { plane, cli, profile: join(home, '.config', 'groundcrew', 'profile.json') };
}

describe('login', () => {
  it('trades a one-time token, keeps the API token where only its owner reads it, and logout revokes it', async () => {
    const { plane, cli, profile } = await setUp();
    const { code, out, err } = await cli(['login', `${plane.url}/`], 'gcs_once\n');
    expect([code, out, err]).toEqual([0, `Signed in to ${plane.url} as ann. Kept in ${profile}.\n`, '']);
    expect(plane.callsOf('signIn')[0]?.body).toMatchObject({ sign_in_token: 'gcs_once' });
    expect(statSync(profile).mode & 0o777).toBe(0o600);
    expect(readFileSync(profile, 'utf8')).not.toContain('gcs_once');
    expect((await cli(['whoami'])).out).toMatch(/User +ann \(owner\)\nOrganisation +default/);
    expect((await cli(['logout'])).out).toBe(`Signed out of ${plane.url}; the token is revoked.\n`);
    expect(plane.callsOf('revokeToken')[0]?.params.token_id).toBe(IDS.token);
    expect((await cli(['whoami'])).err).toMatch(/You are not signed in/);
    expect((await cli(['logout'])).out).toBe('You were not signed in.\n');
  });

  it('takes an API token that works, and leaves it to its owner to revoke', async () => {
    const { plane, cli } = await setUp();
    expect((await cli(['login', plane.url], 'gct_test')).code).toBe(0);
    expect((await cli(['logout'])).out).toContain('The token itself still works');
    expect(plane.callsOf('revokeToken')).toHaveLength(0);
  });

  it.each([
    ['gct_wrong', 'The server does not know this token: it is mistyped, revoked or expired.'],
    ['gcs_used', 'The sign-in token is not valid.'],
    ['agt_agent', 'This is no token of a person: such tokens begin with gcs_ (one-time sign-in) or gct_ (API).'],
    ['', 'No token was given. Pipe it in: groundcrew login <url> < token.txt'],
  ])('with %j says why not', async (token, sentence) => {
    const signIn = () => {
      throw new FakeRefusal('unauthenticated', 'The sign-in token is not valid.');
    };
    const { plane, cli } = await setUp({ signIn });
    const { code, err } = await cli(['login', plane.url], token);
    expect(code).toBeGreaterThan(0);
    expect(err).toBe(`Error: ${sentence}\n`);
  });

  it('refuses to send a token in clear to another host', async () => {
    const { cli } = await setUp();
    const { code, err } = await cli(['login', 'http://groundcrew.example.com'], 'gct_test');
    expect([code, err]).toEqual([2, expect.stringContaining('Use https://, or add --allow-insecure.')]);
  });

  it('out of reach of the server still signs out here', async () => {
    const { plane, cli } = await setUp();
    await cli(['login', plane.url], 'gcs_once');
    await plane.close();
    expect((await cli(['logout'])).code).toBe(0);
  });
});
