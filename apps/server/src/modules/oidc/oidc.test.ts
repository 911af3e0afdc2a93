import { createHash } from 'node:crypto';
import type { ApiTokenCreated, ErrorBody, Me, User } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { CALLBACK, codeOf, createBrowser, PUBLIC, person, settingsOf } from './browser-for-tests.ts';
import { type Lie, type People, startLiar, startProvider } from './provider-for-tests.ts';

const PEOPLE: People = {
  ann: person('ann', ['everybody', 'platform']),
  bob: person('bob', ['developers']),
  eve: person('eve', ['guests']),
  mal: person('mal', ['platform'], { email: 'mal@elsewhere.example' }),
  una: person('una', ['platform'], { email_verified: false }),
  ada: person('ada', ['developers']),
};
const RULES = {
  GROUNDCREW_PUBLIC_URL: PUBLIC,
  GROUNDCREW_OIDC_NAME: 'Company',
  GROUNDCREW_OIDC_ROLES: 'platform=admin,developers=planner,everybody=viewer',
  GROUNDCREW_OIDC_ALLOWED_DOMAINS: 'example.com',
};
describe('with a real provider', () => {
  let it: TestServer;
  let provider: Awaited<ReturnType<typeof startProvider>>;
  beforeAll(async () => {
    provider = await startProvider(CALLBACK, PEOPLE);
    it = await createTestServer({ env: { ...RULES, ...settingsOf(provider) } });
  });
  afterAll(async () => {
    await it.close();
    await provider.close();
  });
  const meOf = (cookie: string) => it.call<Me>('GET', '/me', { token: null, headers: { cookie } });

  test('somebody new becomes a user with the highest role of their groups, and is signed in', async () => {
    const methods = await it.call('GET', '/sign-in/methods', { token: null });
    expect(methods.body).toMatchObject({ password: true, oidc: { name: 'Company', path: '/api/v1/sign-in/oidc' } });
    const browser = createBrowser(it);
    expect(await browser.signOn('ann')).toMatchObject({ status: 302, location: '/' });
    const { body } = await meOf(browser.cookies());
    expect(body.user).toMatchObject({ name: 'ann', email: 'ann@example.com', role: 'admin', signs_on_elsewhere: true });
    expect(browser.cookies()).not.toContain('groundcrew_oidc');
  });

  test('the same person is the same user, with the role of now', async () => {
    const [first, second] = [createBrowser(it), createBrowser(it)];
    await first.signOn('bob');
    const before = (await meOf(first.cookies())).body.user;
    PEOPLE.bob = person('robert', ['platform']);
    await second.signOn('bob');
    const after = (await meOf(second.cookies())).body.user;
    expect([before?.role, after?.role, after?.id]).toEqual(['planner', 'admin', before?.id]);
  });

  test('somebody an administrator added before is found by their verified address', async () => {
    const { body: user } = await it.call<User>('POST', '/users', {
      body: { name: 'ada-l', email: 'Ada@example.com', role: 'viewer' },
    });
    const browser = createBrowser(it);
    await browser.signOn('ada');
    expect((await meOf(browser.cookies())).body.user).toMatchObject({ id: user.id, name: 'ada-l', role: 'planner' });
  });

  test.each([
    ['eve', 'has no group with a role'],
    ['mal', 'has an address of another domain'],
    ['una', 'has an address nobody verified'],
  ])('%s, who %s, stays outside', async (name) => {
    const browser = createBrowser(it);
    const answer = await browser.signOn(name);
    expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden']);
    expect((await meOf(browser.cookies())).status).toBe(401);
  });

  test('works once, in the browser that began it, with the state it began with', async () => {
    const browser = createBrowser(it);
    const callback = await browser.goTo('ann');
    const stolen = createBrowser(it);
    expect(codeOf(await stolen.visit(callback))).toBe('unauthenticated');
    const changed = new URL(callback);
    changed.searchParams.set('state', 'x'.repeat(43));
    expect(codeOf(await browser.visit(changed.href))).toBe('unauthenticated');
    const jar = browser.cookies();
    expect((await browser.visit(callback)).status).toBe(302);
    const again = await it.server.http.app.inject({ url: callback.slice(PUBLIC.length), headers: { cookie: jar } });
    expect([again.statusCode, (again.json() as ErrorBody).code]).toEqual([401, 'unauthenticated']);
  });

  test('a command line gets a code at its loopback address, which only its verifier opens, once', async () => {
    const verifier = 'v'.repeat(43);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const redirect = 'http://127.0.0.1:5000/done';
    const query = `?redirect=${encodeURIComponent(redirect)}&code_challenge=${challenge}`;
    const trade = (code: string | null, code_verifier: string) =>
      it.call<ApiTokenCreated>('POST', '/sign-in', { token: null, body: { code, code_verifier, token_name: 'cli' } });
    const getCode = async () => {
      const browser = createBrowser(it);
      const { location } = await browser.visit(await browser.goTo('ann', query));
      expect(location).toMatch(/^http:\/\/127\.0\.0\.1:5000\/done\?code=[\w-]{43}$/);
      return new URL(location ?? '').searchParams.get('code');
    };
    const code = await getCode();
    const answers = await Promise.all(Array.from({ length: 5 }, () => trade(code, verifier)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 401, 401, 401, 401]);
    const token = answers.find(({ status }) => status === 201)?.body.token ?? '';
    expect((await it.call<Me>('GET', '/me', { token })).body.user?.name).toBe('ann');
    const other = await getCode();
    expect((await trade(other, 'w'.repeat(43))).status).toBe(401);
    for (const elsewhere of [
      'https://evil.example.com/',
      'http://127.0.0.1.evil.example.com:80/',
      'http://127.0.0.1:5000@evil.example.com/',
    ])
      expect(
        (
          await createBrowser(it).visit(
            `${PUBLIC}/api/v1/sign-in/oidc?redirect=${encodeURIComponent(elsewhere)}&code_challenge=${challenge}`,
          )
        ).status,
      ).toBe(400);
  });
});

describe('a provider, or somebody in its place, that lies', () => {
  let it: TestServer;
  let liar: Awaited<ReturnType<typeof startLiar>>;
  beforeAll(async () => {
    liar = await startLiar();
    const env = {
      ...RULES,
      ...settingsOf(liar),
      GROUNDCREW_OIDC_ALLOWED_DOMAINS: '',
      GROUNDCREW_OIDC_DEFAULT_ROLE: 'viewer',
    };
    it = await createTestServer({ env });
  });
  afterAll(async () => {
    await it.close();
    await liar.close();
  });

  async function signOn(lie: Lie) {
    const browser = createBrowser(it);
    const { location = '' } = await browser.visit(`${PUBLIC}/api/v1/sign-in/oidc`);
    const { searchParams } = new URL(location);
    expect(searchParams.get('code_challenge_method')).toBe('S256');
    liar.prepare(lie, searchParams.get('nonce') ?? '');
    return browser.visit(`${CALLBACK}?code=x&state=${searchParams.get('state')}`);
  }

  test('is believed when it tells the truth', async () => {
    expect((await signOn({})).status).toBe(302);
  });

  test.each<[string, Lie]>([
    ['another issuer', { claims: { iss: 'https://other.example.com' } }],
    ['another audience', { claims: { aud: 'another-client' } }],
    ['another nonce', { claims: { nonce: 'of an earlier sign-on' } }],
    ['no nonce', { claims: { nonce: undefined } }],
    ['an ID token that has expired', { claims: { exp: Math.floor(Date.now() / 1000) - 3_600 } }],
    ['no signature', { sign: 'none' }],
    ['a signature made with the public key as a secret', { sign: 'HS256' }],
    ['a signature by a key that is not its own', { sign: 'stranger' }],
  ])('is refused with %s', async (_what, lie) => {
    const answer = await signOn(lie);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthenticated']);
  });

  test('that cannot be reached makes nobody wait for ever', async () => {
    const env = { ...RULES, ...settingsOf({ ...liar, url: 'http://127.0.0.1:9' }) };
    const own = await createTestServer({ env });
    expect((await createBrowser(own).visit(`${PUBLIC}/api/v1/sign-in/oidc`)).status).toBe(503);
    await own.close();
  });
});

test('a half configuration is told, key by key', async () => {
  const { readConfiguration } = await import('../../configuration.ts');
  expect(() => readConfiguration({ GROUNDCREW_OIDC_ISSUER: 'https://login.example.com' })).toThrow(
    /oidc\.client_id[\s\S]*public_url/,
  );
  expect(() => readConfiguration({ GROUNDCREW_OIDC_ISSUER: 'http://login.example.com' })).toThrow(/https URL/);
  expect(() => readConfiguration({ GROUNDCREW_OIDC_ROLES: 'platform=boss' })).toThrow(/value=role/);
});
