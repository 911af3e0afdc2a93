import { randomUUID } from 'node:crypto';
import { sha256Hex } from '@groundcrew/kit';
import { type ApiTokenCreated, type ErrorBody, type Me, Name, type User } from '@groundcrew/protocol';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { createSignInLimits } from '../sign-in/index.ts';
import { CALLBACK, codeOf, createBrowser, PUBLIC, person, settingsOf } from './browser-for-tests.ts';
import { toPerson } from './person.ts';
import { createProvider } from './provider.ts';
import { type Lie, startLiar } from './provider-for-tests.ts';
import { beginTrip, findTrip, TRIP_SECONDS } from './trip.ts';

const START = '/api/v1/sign-in/oidc';
const BACK = `${START}/callback`;

let it: TestServer;
let liar: Awaited<ReturnType<typeof startLiar>>;
beforeAll(async () => {
  liar = await startLiar();
  const env = {
    ...settingsOf(liar),
    GROUNDCREW_PUBLIC_URL: PUBLIC,
    GROUNDCREW_OIDC_ROLES: 'owners=owner,platform=admin,developers=planner',
    GROUNDCREW_OIDC_DEFAULT_ROLE: 'viewer',
  };
  it = await createTestServer({ env });
});
afterAll(async () => {
  await it.close();
  await liar.close();
});
const forget = () => it.database.db.deleteFrom('sign_in_limits').execute();
beforeEach(forget);

/** From the button to the provider; gives the browser and the callback's address it would come back to. */
async function begin(claims: Record<string, unknown> = {}) {
  const browser = createBrowser(it);
  const { location = '' } = await browser.visit(PUBLIC + START);
  const { searchParams } = new URL(location);
  const code = randomUUID();
  liar.prepare({ claims } satisfies Lie, searchParams.get('nonce') ?? '', code);
  return { browser, callback: `${CALLBACK}?code=${code}&state=${searchParams.get('state')}` };
}

/** Signs somebody on and gives who they are here. */
async function signOn(claims: Record<string, unknown>) {
  const { browser, callback } = await begin(claims);
  expect((await browser.visit(callback)).status).toBe(302);
  const { body } = await it.call<Me>('GET', '/me', { token: null, headers: { cookie: browser.cookies() } });
  return body.user as User;
}
const addUser = async (name: string, role: string, email = `${name}@example.com`) =>
  (await it.call<User>('POST', '/users', { body: { name, role, email } })).body;

describe('a flood', () => {
  const visit = (url: string, remoteAddress: string, cookie = '') =>
    it.server.http.app.inject({ url, remoteAddress, headers: { cookie } });
  /** A trip of one's own making, which nobody began at this server. */
  const makeUp = () => {
    const { cookie, state } = beginTrip(Date.now(), undefined);
    return { url: `${BACK}?code=${randomUUID()}&state=${state}`, cookie: `groundcrew_oidc=${cookie}` };
  };
  /** Uses up what there is: so many seconds until a bucket is empty are all of its tries. */
  const fill = (seconds: number, key?: string) =>
    sql`UPDATE sign_in_limits SET empty_at = now() + make_interval(secs => ${seconds})
      ${key === undefined ? sql`` : sql`WHERE key = ${key}`}`.execute(it.database.db);

  test('of callbacks with trips of one’s own making drives neither the provider nor the database', async () => {
    const before = liar.traded();
    const [first, second] = [makeUp(), makeUp()];
    expect((await visit(first.url, '10.1.0.1', first.cookie)).statusCode).toBe(401);
    expect(liar.traded()).toBe(before + 1);
    await fill(299);
    const refused = await visit(second.url, '10.1.0.1', second.cookie);
    expect([refused.statusCode, (refused.json() as ErrorBody).code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    // Who is refused keeps what they came with, and may come back with it.
    expect(refused.headers['set-cookie']).toBeUndefined();
    expect(liar.traded()).toBe(before + 1);
    await forget();
    expect((await visit(second.url, '10.1.0.2', second.cookie)).statusCode).toBe(401);
    expect(liar.traded()).toBe(before + 2);
  });

  test('of starts is stopped as well, each address for itself', async () => {
    expect((await visit(START, '10.2.0.1')).statusCode).toBe(302);
    await fill(299);
    const refused = await visit(START, '10.2.0.1');
    expect([refused.statusCode, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
    expect((await visit(START, '10.2.0.2')).statusCode).toBe(302);
  });

  test('without any trip costs no look into the database', async () => {
    for (const cookie of ['', 'groundcrew_oidc=x', makeUp().cookie])
      expect((await visit(`${BACK}?code=x&state=y`, '10.3.0.1', cookie)).statusCode).toBe(401);
    expect(await it.database.db.selectFrom('sign_in_limits').selectAll().execute()).toEqual([]);
  });

  test('from everywhere at once is limited for the provider’s sake', async () => {
    const limits = createSignInLimits(it.database.db, Date.now);
    await limits.takeSignOn('callback', '10.4.0.1');
    await fill(99, sha256Hex('oidc provider'));
    await expect(limits.takeSignOn('callback', '10.4.0.2')).rejects.toMatchObject({ code: 'rate_limited' });
    await limits.takeSignOn('start', '10.4.0.2');
  });

  test('that goes on is refused out of memory until its time has come', async () => {
    let nowMs = Date.now();
    const limits = createSignInLimits(it.database.db, () => nowMs);
    const take = () => limits.takeSignOn('start', '10.5.0.1');
    await take();
    await fill(299);
    await expect(take()).rejects.toMatchObject({ retryAfterSeconds: expect.any(Number) });
    await forget();
    await expect(take()).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await it.database.db.selectFrom('sign_in_limits').selectAll().execute()).toEqual([]);
    nowMs += 61_000;
    await take();
    // Nor does a clock that is set back keep anybody out.
    await fill(299);
    await expect(take()).rejects.toMatchObject({ code: 'rate_limited' });
    await forget();
    nowMs -= 3_600_000;
    await take();
  });

  test('leaves a provider alone that cannot be reached', async () => {
    let nowMs = 0;
    const troubles: unknown[] = [];
    const provider = createProvider({
      issuer: 'http://127.0.0.1:9',
      clientId: 'x',
      clientSecret: undefined,
      scopes: ['openid'],
      callbackUrl: CALLBACK,
      now: () => nowMs,
      onTrouble: (error) => troubles.push(error),
    });
    const ask = () => provider.authorizationUrl(beginTrip(0, undefined));
    const refusal = { code: 'unavailable', retryAfterSeconds: 5 };
    const all = await Promise.allSettled([ask(), ask(), ask()]);
    expect(all).toMatchObject(Array.from({ length: 3 }, () => ({ status: 'rejected', reason: refusal })));
    await expect(ask()).rejects.toMatchObject(refusal);
    expect(troubles).toHaveLength(1);
    nowMs += 5_001;
    await expect(ask()).rejects.toMatchObject(refusal);
    expect(troubles).toHaveLength(2);
  });
});

describe('a trip', () => {
  const nowMs = 1_700_000_000_000;
  const challenge = 'c'.repeat(43);

  test('takes its code to this very host only, whoever planted its cookie', () => {
    for (const redirect of [
      'https://evil.example.com/',
      'http://127.0.0.1:1@evil.example.com/',
      'http://evil:80/',
      '',
    ]) {
      const { cookie, state } = beginTrip(nowMs, { redirect, codeChallenge: challenge });
      expect(findTrip(cookie, state, nowMs)).toBeUndefined();
    }
    const errand = { redirect: 'http://127.0.0.1:5000/', codeChallenge: challenge };
    const { cookie, state } = beginTrip(nowMs, errand);
    expect(findTrip(cookie, state, nowMs)?.errand).toEqual(errand);
  });

  test('is over after ten minutes, and never began in the future', () => {
    const { cookie, state } = beginTrip(nowMs, undefined);
    const isOpenAt = (seconds: number) => findTrip(cookie, state, nowMs + seconds * 1000) !== undefined;
    expect([-2, 0, TRIP_SECONDS, TRIP_SECONDS + 1].map(isOpenAt)).toEqual([false, true, true, false]);
  });

  test('over TLS is in a cookie that no neighbour on the domain can plant', async () => {
    const publicUrl = 'https://groundcrew.example.com';
    const own = await createTestServer({ env: { ...settingsOf(liar), GROUNDCREW_PUBLIC_URL: publicUrl } });
    const begun = await own.call('GET', '/sign-in/oidc', { token: null });
    const set = String(begun.headers['set-cookie']);
    expect(set).toMatch(/^__Host-groundcrew_oidc=\S+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/);
    const state = new URL(String(begun.headers.location)).searchParams.get('state');
    const before = liar.traded();
    const value = /=([^;]+)/.exec(set)?.[1];
    const come = (name: string) =>
      own.call('GET', `/sign-in/oidc/callback?code=x&state=${state}`, {
        token: null,
        headers: { cookie: `${name}=${value}` },
      });
    await come('groundcrew_oidc');
    expect(liar.traded()).toBe(before);
    await come('__Host-groundcrew_oidc');
    expect(liar.traded()).toBe(before + 1);
    await own.close();
  });

  test('ends at the issuer it was begun with', async () => {
    for (const [iss, status] of [
      ['https://other.example.com', 401],
      [liar.url, 302],
    ] as const) {
      const { browser, callback } = await begin({ sub: 'mixed' });
      const answer = await browser.visit(`${callback}&iss=${encodeURIComponent(iss)}`);
      expect(answer.status).toBe(status);
      if (status === 401) expect(codeOf(answer)).toBe('unauthenticated');
    }
  });
});

test('a callback counts once, however many come at once and whatever the provider says', async () => {
  const { browser, callback } = await begin({ sub: 'replayed' });
  const headers = { cookie: browser.cookies() };
  const come = () => it.server.http.app.inject({ url: callback.slice(PUBLIC.length), headers });
  const all = await Promise.all(Array.from({ length: 5 }, come));
  expect(all.map(({ statusCode }) => statusCode).toSorted()).toEqual([302, 401, 401, 401, 401]);
  expect((await come()).statusCode).toBe(401);
});

describe('an address', () => {
  test('makes a stranger nobody here unless it is verified, plain, and one user’s alone', async () => {
    const kate = await addUser('kate', 'admin');
    const twins = [
      await addUser('twin-a', 'admin', 'twin@example.com'),
      await addUser('twin-b', 'admin', 'Twin@example.com'),
    ];
    const strangers = await Promise.all([
      signOn({ sub: 'unverified', email: 'kate@example.com', email_verified: false }),
      signOn({ sub: 'said so', email: 'kate@example.com', email_verified: 'true' }),
      signOn({ sub: 'kelvin', email: '\u212aate@example.com', email_verified: true }),
      signOn({ sub: 'twin', email: 'twin@example.com', email_verified: true }),
    ]);
    for (const { id, role } of strangers) {
      expect([kate.id, ...twins.map((twin) => twin.id)]).not.toContain(id);
      expect(role).toBe('viewer');
    }
    expect((await signOn({ sub: 'kate', email: 'KATE@example.com', email_verified: true })).id).toBe(kate.id);
    // Who she is at the provider is known from now on; another one with her address is somebody else.
    expect((await signOn({ sub: 'kate 2', email: 'kate@example.com', email_verified: true })).id).not.toBe(kate.id);
  });

  test('of somebody with a password leads to them; the role they rise to is theirs, up to administrators', async () => {
    const user = await addUser('lin', 'viewer');
    const { body: made } = await it.call<ApiTokenCreated>('POST', '/tokens', { body: { name: 'x', user_id: user.id } });
    await it.call('PUT', '/me/password', { token: made.token, body: { new_password: 'a password of lin' } });
    const on = await signOn({ sub: 'lin', ...person('lin', ['platform']) });
    expect(on).toMatchObject({ id: user.id, role: 'admin', has_password: true });
    expect((await it.call<Me>('GET', '/me', { token: made.token })).body.user?.role).toBe('admin');
  });

  test('makes an owner of no credential that an administrator could have made', async () => {
    const user = await addUser('rising', 'viewer');
    const { token: admin } = await it.addUser('admin', 'schemer');
    const make = async (kind: string) =>
      (await it.call<ApiTokenCreated>('POST', '/tokens', { token: admin, body: { name: 'x', kind, user_id: user.id } }))
        .body.token;
    const [held, invitation] = [await make('api'), await make('sign_in')];
    await it.call('PUT', '/me/password', { token: held, body: { new_password: 'a password of schemer' } });
    const body = { login: 'rising', password: 'a password of schemer' };
    const session = String((await it.call('POST', '/sessions', { token: null, body })).headers['set-cookie']);
    expect((await it.call('GET', '/me', { token: held })).status).toBe(200);

    expect(await signOn({ sub: 'rising', ...person('rising', ['owners']) })).toMatchObject({
      id: user.id,
      role: 'owner',
      has_password: false,
    });
    expect((await it.call('GET', '/me', { token: held })).status).toBe(401);
    const cookie = session.split(';')[0] ?? '';
    expect((await it.call('GET', '/me', { token: null, headers: { cookie } })).status).toBe(401);
    for (const proof of [body, { sign_in_token: invitation }])
      expect((await it.call('POST', '/sign-in', { token: null, body: proof })).status).toBe(401);
  });
});

test('the last owner stays one, also when the provider demotes two at once', async () => {
  const { body: me } = await it.call<Me>('GET', '/me');
  const claims = (name: string) => ({ sub: name, ...person(name, ['developers']) });
  await it.database.db
    .updateTable('users')
    .set({ role: 'viewer' })
    .where('id', '!=', me.user?.id ?? '')
    .execute();
  await it.call('PUT', `/users/${me.user?.id}`, { body: { email: 'first@example.com' } });
  expect((await signOn(claims('first'))).role).toBe('owner');
  await addUser('second', 'owner');
  const both = await Promise.all([begin(claims('first')), begin(claims('second'))]);
  const answers = await Promise.all(both.map(({ browser, callback }) => browser.visit(callback)));
  expect(answers.map(({ status }) => status)).toEqual([302, 302]);
  const owners = await it.database.db.selectFrom('users').select('id').where('role', '=', 'owner').execute();
  expect(owners).toHaveLength(1);
});

test('whatever a provider says, a person is a name that is allowed here, or a sentence', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u0000', '..', '\u202e', '😀', 'Ⅷ', '-', 'a'.repeat(300), '__proto__'),
    fc.anything(),
  );
  const claims = fc.record(
    { preferred_username: odd, nickname: odd, name: odd, email: odd, email_verified: odd, groups: odd },
    { requiredKeys: [] },
  );
  const rules = { roleClaim: 'groups', roles: new Map(), defaultRole: 'viewer', allowedDomains: [] } as const;
  fc.assert(
    fc.property(claims, fc.string({ minLength: 1 }), (said, sub) => {
      const found = toPerson({ ...said, sub }, rules);
      if (typeof found === 'string') return;
      expect(Name.safeParse(found.name).success).toBe(true);
      // With what keeps it apart from somebody of that name.
      expect(Name.safeParse(`${found.name}-${'x'.repeat(6)}`).success).toBe(true);
      expect(found.role).toBe('viewer');
      if (found.email !== null) expect(found.email).toMatch(/^[\x21-\x7e]+@[\x21-\x7e]+$/);
    }),
    { numRuns: 60 },
  );
});
