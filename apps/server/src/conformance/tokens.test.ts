import { createHmac, generateKeyPairSync } from 'node:crypto';
import { newSecret } from '@groundcrew/kit';
import { API_PREFIX, SOCKETS } from '@groundcrew/protocol';
import { exportSPKI, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { readContract } from '../contract.ts';
import { type Answered, ask } from './ask-for-tests.ts';
import { parseContract } from './contract-file.ts';
import { findRefusalMistakes } from './refusal-for-tests.ts';
import { need, startWorld, type Values, type World } from './world-for-tests.ts';

const contract = parseContract(await readContract());
let world: World;
let agent: Values;
let key: Uint8Array;
/** What a good JWT of the agent says. */
let claims: Record<string, unknown>;
beforeAll(async () => {
  world = await startWorld();
  agent = await need(world, 'an agent that has signed on');
  key = world.server.server.platform.jwtKey;
  claims = JSON.parse(Buffer.from(tokenOf(agent).split('.')[1] as string, 'base64url').toString()) as typeof claims;
});
afterAll(() => world.server.close());

const tokenOf = (values: Values): string => values.agent_token as string;
const post = (path: string, token: string, body: object): Promise<Answered> =>
  ask(world, {
    method: 'POST',
    path: API_PREFIX + path,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const beat = (token: string, values = agent): Promise<Answered> =>
  post(`/agents/${values.agent_id}/heartbeat`, token, { agent_id: values.agent_id });
const get = (path: string, token: string): Promise<Answered> =>
  ask(world, { method: 'GET', path: API_PREFIX + path, headers: { authorization: `Bearer ${token}` } });
const mistakesOf = (answer: Answered, code = 'unauthenticated') => findRefusalMistakes(contract, answer, code);

/** The status that opening the command socket is refused with; 101 when it is not. */
async function knock(token: string, values = agent): Promise<number | undefined> {
  const url = `${world.server.url.replace('http', 'ws')}${SOCKETS.control}?agent_id=${values.agent_id}`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  const status = await new Promise<number | undefined>((resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.on('error', () => {});
  });
  socket.terminate();
  return status;
}

const sign = (given: Record<string, unknown>, header: Record<string, unknown> = {}, secret: Uint8Array = key) =>
  new SignJWT(given).setProtectedHeader({ alg: 'HS256', ...header }).sign(secret);
const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
const toPart = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);

describe('a JWT', () => {
  test('that is good is taken, and one made by hand from the same claims is as good', async () => {
    expect((await beat(tokenOf(agent))).status).toBe(200);
    expect((await beat(await sign(claims))).status).toBe(200);
    expect(await knock(tokenOf(agent))).toBe(101);
  });

  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  test.each<[string, () => Promise<string> | string]>([
    ['without a signature (none)', () => new UnsecuredJWT(claims).encode()],
    ['that says None', () => `${toPart({ alg: 'None' })}.${toPart(claims)}.`],
    ['whose signature was cut off', () => `${tokenOf(agent).split('.').slice(0, 2).join('.')}.`],
    ['that was cut short', () => tokenOf(agent).slice(0, -3)],
    ['of another HMAC with the same key', () => sign(claims, { alg: 'HS512' })],
    ['of a public key kind', () => new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)],
    [
      'signed with a public key as if it were the secret',
      async () => sign(claims, {}, new TextEncoder().encode(await exportSPKI(publicKey as never))),
    ],
    ['with a key of its own in the header', () => sign(claims, { jwk: { kty: 'oct', k: 'AAAA' } }, Buffer.alloc(32))],
    ['that names a file as its key', () => sign(claims, { kid: '../../../../dev/null' }, new Uint8Array(32))],
    ['that says where its key is', () => sign(claims, { jku: 'http://127.0.0.1:1/keys' }, new Uint8Array(32))],
    ['signed with the empty key', () => `${toPart({ alg: 'HS256' })}.${toPart(claims)}.${hmac('', claims)}`],
    [
      'with extensions that must be understood',
      () => `${toPart({ alg: 'HS256', crit: ['x'], x: 1 })}.${toPart(claims)}.x`,
    ],
    [
      'whose claims were altered',
      () => tokenOf(agent).replace(/\.[^.]*\./, `.${toPart({ ...claims, sub: world.agent.id })}.`),
    ],
    ['of another issuer', () => sign({ ...claims, iss: 'somebody' })],
    ['for another audience', () => sign({ ...claims, aud: 'user' })],
    ['that has expired', () => sign({ ...claims, exp: now() - 60 })],
    ['that is not valid yet', () => sign({ ...claims, nbf: now() + 600 })],
    ['that never expires', () => sign(without('exp'))],
    ['of nobody', () => sign(without('sub'))],
    ['that does not say what it was got with', () => sign(without('via'))],
    ['got with a token that never was', () => sign({ ...claims, via: 'ptok-aaaaaaaaaaaaaaaaaaaa' })],
    ['of an agent that is not there', () => sign({ ...claims, sub: 'agent-aaaaaaaaaaaaaaaaaaaa' })],
    ['whose claims are no object', () => `${toPart({ alg: 'HS256' })}.${toPart([1])}.${hmac(key, [1])}`],
    ['that is text alone', () => 'a.b.c'],
  ])('%s is refused, by calls and by the socket', async (_what, make) => {
    const token = await make();
    expect(mistakesOf(await beat(token))).toEqual([]);
    expect(await knock(token)).toBe(401);
  });

  test('of another agent is good for that one alone', async () => {
    const other = await need(world, 'an agent that has signed on');
    expect(mistakesOf(await beat(tokenOf(other)), 'forbidden')).toEqual([]);
    expect(mistakesOf(await post('/ping', tokenOf(other), { agent_id: agent.agent_id }), 'forbidden')).toEqual([]);
    expect(await knock(tokenOf(other))).toBe(403);
    expect((await beat(tokenOf(other), other)).status).toBe(200);
  });

  test('is no key to what a user or an attempt does, nor to registering', async () => {
    expect(mistakesOf(await get('/agents', tokenOf(agent)))).toEqual([]);
    expect(mistakesOf(await post('/agents/register', tokenOf(agent), { name: 'x', agent_id: 'x' }))).toEqual([]);
    const { task_id } = await need(world, 'an attempt');
    expect(mistakesOf(await get(`/agents/tasks/${task_id}/data`, tokenOf(agent)))).toEqual([]);
  });
});

const hmac = (secret: string | Uint8Array, payload: unknown): string =>
  createHmac('sha256', secret)
    .update(`${toPart({ alg: 'HS256' })}.${toPart(payload)}`)
    .digest('base64url');

describe('a token', () => {
  /** Works once, is taken away in one of the ways there are, and then works no more. */
  const owner = (path: string, method = 'POST') =>
    ask(world, {
      method,
      path: API_PREFIX + path,
      headers: { authorization: `Bearer ${world.server.owner}`, 'content-type': 'application/json' },
      body: '{}',
    });
  const expire = (table: 'agents' | 'pool_tokens' | 'api_tokens', id: string) => {
    const column = table === 'agents' ? { token_expires_at: new Date(0) } : { expires_at: new Date(0) };
    return world.server.db.updateTable(table).set(column).where('id', '=', id).execute();
  };

  test.each<[string, (values: Values) => Promise<unknown>]>([
    ['revoked', ({ id }) => owner(`/agents/${id}/revoke-token`)],
    ['replaced', ({ id }) => owner(`/agents/${id}/regenerate-token`)],
    ['expired', ({ id }) => expire('agents', id as string)],
    ['of an agent that was removed', ({ id }) => owner(`/agents/${id}`, 'DELETE')],
  ])("of an agent's own that is %s is none, and neither is the JWT got with it", async (_what, takeAway) => {
    const { id: poolId } = await need(world, 'a pool');
    const values = await need(world, 'an agent');
    await world.server.must('addPoolAgent', world.server.owner, {
      params: { id: poolId as string },
      body: { agent_id: values.id },
    });
    const name = newSecret(9).replaceAll(/[^a-z0-9]/gi, 'x');
    const { token } = await world.server.must('registerAgent', tokenOf(values), { body: { name, agent_id: name } });
    const known = { ...values, agent_id: name };
    for (const good of [tokenOf(values), token]) expect((await beat(good, known)).status).toBe(200);
    await takeAway(values);
    for (const bad of [tokenOf(values), token]) {
      expect(mistakesOf(await beat(bad, known))).toEqual([]);
      expect(await knock(bad, known)).toBe(401);
    }
    expect(mistakesOf(await post('/agents/register', tokenOf(values), { name, agent_id: name }))).toEqual([]);
    // Nobody else lost anything.
    expect((await beat(tokenOf(agent))).status).toBe(200);
  });

  test.each<[string, (values: Values) => Promise<unknown>]>([
    ['revoked', ({ id, token_id }) => owner(`/agent-pools/${id}/tokens/${token_id}`, 'DELETE')],
    ['expired', ({ token_id }) => expire('pool_tokens', token_id as string)],
  ])('of a pool that is %s signs nobody on', async (_what, takeAway) => {
    const values = await need(world, 'a pool token');
    const register = () =>
      post('/agents/register', values.registrant_token as string, { name: 'a', agent_id: `a-${values.new}` });
    expect((await register()).status).toBe(200);
    await takeAway(values);
    expect(mistakesOf(await register())).toEqual([]);
  });

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['revoked', (id) => owner(`/tokens/${id}`, 'DELETE')],
    ['expired', (id) => expire('api_tokens', id)],
  ])('of a user that is %s opens nothing', async (_what, takeAway) => {
    const { id, token } = await world.server.must('createToken', world.server.owner, { body: { name: 'short' } });
    expect((await get('/me', token)).status).toBe(200);
    for (const wrong of [
      token.slice(0, -1),
      `${token}x`,
      token.toUpperCase(),
      token.replace('gct_', ''),
      ` ${token} x`,
    ])
      expect(mistakesOf(await get('/me', wrong))).toEqual([]);
    await takeAway(id);
    expect(mistakesOf(await get('/me', token))).toEqual([]);
  });

  test('in the URL is no credential', async () => {
    const path = `${API_PREFIX}/me?token=${world.server.owner}&access_token=${world.server.owner}`;
    expect(mistakesOf(await ask(world, { method: 'GET', path, headers: {} }))).toEqual([]);
  });
});
