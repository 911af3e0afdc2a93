import type { ApiTokenCreated, CurrentSession, ErrorBody, Me, Page, Session, User } from '@groundcrew/protocol';
import { listenOnLoopback, waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { createSignInLimits } from './limits.ts';

const PASSWORD = 'correct horse battery staple';

let it: TestServer;
let url: string;
let stop: () => Promise<void>;
beforeAll(async () => {
  it = await createTestServer();
  await it.server.http.app.ready();
  ({ url, close: stop } = await listenOnLoopback(it.server.http.server));
});
afterAll(async () => {
  await it.close();
  await stop();
});

/** Forgets the tries so far, so that one test does not slow the next. */
const forget = () => it.database.db.deleteFrom('sign_in_limits').execute();

async function addPerson(name: string, email?: string): Promise<{ user: User; token: string }> {
  const person = await it.addUser('operator', name);
  if (email !== undefined) await it.call('PUT', `/users/${person.user.id}`, { body: { email } });
  const { status } = await it.call('PUT', '/me/password', { token: person.token, body: { new_password: PASSWORD } });
  expect(status).toBe(204);
  return person;
}

const tradePassword = (login: string, password: string, more: object = {}) =>
  it.call<ApiTokenCreated & ErrorBody>('POST', '/sign-in', { token: null, body: { login, password, ...more } });

async function begin(login: string, password = PASSWORD) {
  const { status, body, headers } = await it.call<CurrentSession & ErrorBody>('POST', '/sessions', {
    token: null,
    body: { login, password },
  });
  const set = String(headers['set-cookie']);
  return { status, body, set, cookie: set.split(';')[0] ?? '' };
}
const as = ({ cookie, body }: { cookie: string; body: CurrentSession }) => ({
  token: null,
  headers: { cookie, 'x-csrf-token': body.csrf_token },
});

describe('a password', () => {
  test('gets its owner a token, by name or by address, whatever the case', async () => {
    await forget();
    const { user } = await addPerson('Ada', 'ada@example.com');
    for (const login of ['Ada', 'ada', 'ADA@example.com']) {
      const { status, body } = await tradePassword(login, PASSWORD);
      expect(status).toBe(201);
      expect((await it.call<Me>('GET', '/me', { token: body.token })).body.user?.id).toBe(user.id);
    }
    expect((await it.call<User>('GET', `/users/${user.id}`)).body.has_password).toBe(true);
  });

  test('is kept as an argon2id hash and stands nowhere else', async () => {
    const stored = await it.database.db.selectFrom('users').select('password_hash').where('name', '=', 'Ada').execute();
    expect(stored[0]?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}$/);
    const audit = JSON.stringify(await it.database.db.selectFrom('audit').selectAll().execute());
    expect(audit).toContain('change_password');
    expect(audit).not.toContain(PASSWORD);
  });

  test('wrong, of nobody, and of somebody without one are answered alike', async () => {
    await forget();
    await it.addUser('viewer', 'passwordless');
    const answers: Awaited<ReturnType<typeof tradePassword>>[] = [];
    for (const login of ['Ada', 'nobody-at-all', 'passwordless']) answers.push(await tradePassword(login, 'wrong'));
    const told = answers.map(({ status, body: { request_id: _, ...body } }) => ({ status, body }));
    expect(told[0]).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    await waitFor('the audit row', async () =>
      (await it.database.db.selectFrom('audit').selectAll().where('action', '=', 'sign_in_failed').execute()).at(0),
    );
  });

  test('costs the same for somebody there is and for nobody', async () => {
    const measure = async (login: string) => {
      await forget();
      const begun = performance.now();
      await tradePassword(login, 'wrong');
      return performance.now() - begun;
    };
    // In turns, so that what else the machine does slows both alike.
    const ratios: number[] = [];
    for (let n = 0; n < 7; n += 1) ratios.push((await measure('nobody-at-all')) / (await measure('Ada')));
    const ratio = ratios.toSorted((a, b) => a - b)[3] as number;
    // Without the decoy it would be a tenth.
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(2.5);
  });

  test('can be tried ten times in a row, at once or not, also for nobody; then Retry-After says when', async () => {
    for (const login of ['Ada', 'nobody-at-all']) {
      await forget();
      const all = await Promise.all(Array.from({ length: 14 }, () => tradePassword(login, 'wrong')));
      const refused = all.filter(({ status }) => status === 429);
      expect(refused).toHaveLength(4);
      expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(50);
      expect(refused[0]?.body.code).toBe('rate_limited');
      // Nor does the right one help now.
      if (login === 'Ada') expect((await tradePassword(login, PASSWORD)).status).toBe(429);
    }
  });

  test('a try is possible again after a while, and a right password forgets the wrong ones', async () => {
    await forget();
    const limits = createSignInLimits(it.database.db, Date.now);
    for (let n = 0; n < 10; n += 1) await limits.take('x', `10.0.0.${n}`);
    await expect(limits.take('x', '10.0.1.1')).rejects.toMatchObject({ code: 'rate_limited' });
    await it.database.db
      .updateTable('sign_in_limits')
      .set({ empty_at: new Date(Date.now() + 9 * 60_000 - 1_000) })
      .execute();
    await limits.take('x', '10.0.1.2');
    await limits.forgive('x');
    for (let n = 0; n < 10; n += 1) await limits.take('x', `10.0.2.${n}`);
  });

  test('an address is limited however many accounts it tries; an IPv6 network is one address', async () => {
    await forget();
    const limits = createSignInLimits(it.database.db, Date.now);
    for (let n = 0; n < 60; n += 1) await limits.take(`account ${n}`, `2001:db8:1:2::${n.toString(16)}`);
    await expect(limits.take('account 61', '2001:db8:1:2:ffff::1')).rejects.toMatchObject({ code: 'rate_limited' });
    await limits.take('account 61', '2001:db8:1:3::1');
    await forget();
  });

  test('of one name in two organisations needs to be told which', async () => {
    await addForeigner(it);
    await it
      .addUser('viewer', 'foreigner')
      .then(({ token }) => it.call('PUT', '/me/password', { token, body: { new_password: PASSWORD } }));
    expect((await tradePassword('foreigner', PASSWORD)).status).toBe(401);
    expect((await tradePassword('foreigner', PASSWORD, { organization: 'default' })).status).toBe(201);
  });

  test('is changed only by who knows it, and must be long', async () => {
    await forget();
    const { token } = await addPerson('Changer');
    const change = (body: object) => it.call<ErrorBody>('PUT', '/me/password', { token, body });
    expect((await change({ new_password: 'short' })).body.code).toBe('invalid_request');
    expect((await change({ new_password: 'another long password' })).body.code).toBe('forbidden');
    expect((await change({ current_password: 'wrong', new_password: 'another long password' })).status).toBe(403);
    expect((await change({ current_password: PASSWORD, new_password: 'another long password' })).status).toBe(204);
    expect((await tradePassword('Changer', PASSWORD)).status).toBe(401);
    expect((await tradePassword('Changer', 'another long password')).status).toBe(201);
  });
});

describe('a session', () => {
  test('is a cookie that scripts cannot read and other sites cannot use', async () => {
    await forget();
    const session = await begin('Ada');
    expect(session.status).toBe(201);
    expect(session.set).toMatch(/^groundcrew=gcw_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    expect(JSON.stringify(session.body)).not.toContain(session.cookie.slice('groundcrew='.length));
    const read = await it.call<Me>('GET', '/me', { token: null, headers: { cookie: session.cookie } });
    expect(read.body.user?.name).toBe('Ada');
    const forged = { token: null, headers: { cookie: session.cookie }, body: { name: 'x' } };
    expect((await it.call<ErrorBody>('POST', '/tokens', forged)).body.code).toBe('forbidden');
    expect((await it.call('POST', '/tokens', { ...as(session), body: { name: 'x' } })).status).toBe(201);
    // After a reload the page asks for the word anew.
    const again = await it.call<CurrentSession>('GET', '/session', {
      token: null,
      headers: { cookie: session.cookie },
    });
    expect(again.body.csrf_token).toBe(session.body.csrf_token);
  });

  test('off loopback the cookie is Secure and bound to the host', async () => {
    const own = await createTestServer({ env: { GROUNDCREW_PUBLIC_URL: 'https://groundcrew.example.com' } });
    const { signInToken } = await own.server.modules.users.prepareFirstStart();
    const { headers } = await own.call('POST', '/sessions', { token: null, body: { sign_in_token: signInToken } });
    expect(headers['set-cookie']).toMatch(
      /^__Host-groundcrew=gcw_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; .*; Secure$/,
    );
    const [, secret = ''] = /^__Host-groundcrew=([^;]+)/.exec(String(headers['set-cookie'])) ?? [];
    const statusWith = async (name: string) =>
      (await own.call('GET', '/me', { token: null, headers: { cookie: `${name}=${secret}` } })).status;
    expect([await statusWith('__Host-groundcrew'), await statusWith('groundcrew')]).toEqual([200, 401]);
    await own.close();
  });

  test('is listed, and ends by signing out, when revoked, when unused and in the end', async () => {
    await forget();
    const [here, there, idle, old] = [await begin('Ada'), await begin('Ada'), await begin('Ada'), await begin('Ada')];
    const idOf = ({ body }: typeof here) => body.session.id;
    const worksFor = async ({ cookie }: typeof here) =>
      (await it.call('GET', '/me', { token: null, headers: { cookie } })).status === 200;
    const { items } = (await it.call<Page<Session>>('GET', '/sessions?limit=100', as(here))).body;
    expect(items.find(({ current }) => current)?.id).toBe(idOf(here));
    expect((await it.call('DELETE', `/sessions/${idOf(there)}`, as(here))).status).toBe(204);
    const set = (id: string, values: { last_used_at?: Date; expires_at?: Date }) =>
      it.database.db.updateTable('sessions').set(values).where('id', '=', id).execute();
    await set(idOf(idle), { last_used_at: new Date(Date.now() - 13 * 3_600_000) });
    await set(idOf(old), { expires_at: new Date(Date.now() - 1) });
    expect(await Promise.all([here, there, idle, old].map(worksFor))).toEqual([true, false, false, false]);
    const out = await it.call('POST', '/sign-out', { ...as(here), body: {} });
    expect([out.status, out.headers['set-cookie']]).toEqual([200, expect.stringContaining('Max-Age=0')]);
    expect(await worksFor(here)).toBe(false);
  });

  test('of somebody else is theirs, but for who may manage them', async () => {
    await forget();
    const session = await begin('Ada');
    const { token } = await it.addUser('operator', 'nosy');
    const path = `/sessions/${session.body.session.id}`;
    expect((await it.call('DELETE', path, { token })).status).toBe(404);
    expect((await it.call('GET', `/sessions?user_id=${session.body.user.id}`, { token })).status).toBe(403);
    expect((await it.call('DELETE', path, { token: await addForeigner(it) })).status).toBe(404);
    expect((await it.call('DELETE', path)).status).toBe(204);
  });

  test('ends with a change of the password, but for the one that changed it', async () => {
    await forget();
    await addPerson('Mover');
    const [here, there] = [await begin('Mover'), await begin('Mover')];
    const body = { current_password: PASSWORD, new_password: 'a wholly new password' };
    expect((await it.call('PUT', '/me/password', { ...as(here), body })).status).toBe(204);
    const status = async ({ cookie }: typeof here) =>
      (await it.call('GET', '/me', { token: null, headers: { cookie } })).status;
    expect([await status(here), await status(there)]).toEqual([200, 401]);
  });

  test('opens sockets for pages of this server only, and they end with it at once', async () => {
    await forget();
    const session = await begin('Ada');
    const open = (origin: string) =>
      new Promise<WebSocket | number>((resolve) => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events`, {
          headers: { cookie: session.cookie, origin },
        });
        socket.once('open', () => resolve(socket));
        socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0));
        socket.on('error', () => {});
      });
    expect(await open('https://evil.example.com')).toBe(403);
    const socket = (await open(url)) as WebSocket;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await it.call('POST', '/sign-out', { ...as(session), body: {} });
    expect(await closed).toBe(1008);
  });
});
