import { randomBytes } from 'node:crypto';
import { sha256Hex } from '@groundcrew/kit';
import { type RouteName, type RouteSpec, routes } from '@groundcrew/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createTestServer, type TestServer } from './injected-server-for-tests.ts';

/** What came with a request must not come back with its refusal: answers are logged, pasted and shown where requests are not. */
const CANARY = `canary${randomBytes(12).toString('hex')}`;

/** Fields that hold secrets, or texts in which people keep them. Names are told back, so that one knows which is meant. */
const SECRET_FIELD =
  /^(value|token|.*_token|secret|.*_secret|password|.*_password|content.*|tf_code|provider_config|kubeconfig|code)$/;

interface Field {
  name: RouteName;
  spec: RouteSpec;
  path: string[];
}

/** Every such field of every body in the table, those of routes that were added after this was written as well. */
const FIELDS: Field[] = Object.entries<RouteSpec>(routes).flatMap(([name, spec]) =>
  spec.body === undefined
    ? []
    : pathsIn(z.toJSONSchema(spec.body, { io: 'input', unrepresentable: 'any' }) as Schema)
        .filter((path) => SECRET_FIELD.test(path.at(-1) ?? ''))
        .map((path) => ({ name: name as RouteName, spec, path })),
);

interface Schema {
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

function pathsIn(schema: Schema): string[][] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [
    [key],
    ...pathsIn(inner).map((path) => [key, ...path]),
  ]);
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap(pathsIn);
  return [...own, ...others];
}

/** The canary as somebody may send it by mistake: in the wrong type, too long, with what cannot be stored. */
const given = fc.oneof(
  fc.constantFrom<unknown>(
    CANARY,
    [CANARY],
    { [CANARY]: CANARY },
    { a: { b: [CANARY] } },
    `${CANARY}\u0000`,
    `${CANARY}\ud800`,
    `"${CANARY}\n\${`,
    CANARY.padEnd(1_100_000, 'x'),
    [[[[CANARY]]]],
  ),
  fc.tuple(fc.string(), fc.string()).map(([before, after]) => `${before}${CANARY}${after}`),
);
/** What else stands in the body; most of it wrong. */
const others = fc.dictionary(
  fc.constantFrom('key', 'name', 'category', 'hcl', 'sensitive', 'type', 'role', 'limit', 'x'),
  fc.oneof(fc.constantFrom<unknown>('env', 'terraform', 'PATH', 'x', true, null, 7, {}), fc.string()),
);

let it: TestServer;
let workspaceId: string;
beforeAll(async () => {
  it = await createTestServer();
  ({
    body: { workspace_id: workspaceId },
  } = await it.call<{ workspace_id: string }>('POST', '/workspaces', {
    body: { name: 'w' },
  }));
});
afterAll(() => it.close());

const pathOf = ({ path }: RouteSpec): string =>
  path.replace(':workspace_id', workspaceId).replaceAll(/:\w+/g, 'task-aaaaaaaaaaaaaaaaaaaa');

/** An object with the value at the path. */
const nest = (path: readonly string[], value: unknown): unknown =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);

/** Gives the status of a refusal, whose text was looked through; undefined when it was none. */
async function refusalOf(
  spec: RouteSpec,
  body: unknown,
  options: { path?: string; token?: string; headers?: Record<string, string> } = {},
): Promise<number | undefined> {
  const { path = pathOf(spec), token, headers = {} } = options;
  const answer = await it.call(spec.method, path, { headers, body, ...(token === undefined ? {} : { token }) });
  if (answer.status < 400) return undefined;
  const said = answer.bytes.toString() + JSON.stringify(answer.headers);
  expect(said, `${spec.method} ${path} said ${answer.status}`).not.toContain(CANARY);
  return answer.status;
}

describe('refusals do not tell back what was sent', () => {
  test('there are such fields', () => {
    const names = FIELDS.map(({ name, path }) => `${name} ${path.join('.')}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'createVariable value',
        'updateVariable value',
        'signIn sign_in_token',
        'createWorkspace tf_code',
      ]),
    );
  });

  test.each(FIELDS.map((field) => [`${field.name} ${field.path.join('.')}`, field] as const))(
    '%s',
    async (_name, field) => {
      const statuses = new Set<number | undefined>();
      await fc.assert(
        fc.asyncProperty(given, others, async (value, more) => {
          const body = { ...more, ...(nest(field.path, value) as object) };
          statuses.add(await refusalOf(field.spec, body));
        }),
        { numRuns: 25 },
      );
      // A property of which no case is refused would say nothing.
      expect([...statuses].some((status) => status !== undefined)).toBe(true);
    },
  );

  test('a body that is no JSON, or not as it was announced', async () => {
    const spec = routes.createVariable as RouteSpec;
    for (const text of [
      `{"key":"k","value":"${CANARY}`,
      `{"value":${CANARY}}`,
      CANARY,
      `[${CANARY}]`,
      `{"a":"${CANARY}\u0001"}`,
    ])
      for (const type of ['application/json', 'text/plain', `application/x-${CANARY}`])
        expect(await refusalOf(spec, Buffer.from(text), { headers: { 'content-type': type } })).toBeGreaterThanOrEqual(
          400,
        );
  });

  const push = (name: 'pushState' | 'uploadConfiguration', text: string, headers: Record<string, string> = {}) =>
    refusalOf(routes[name], Buffer.from(text), { headers: { 'x-content-sha256': sha256Hex(text), ...headers } });

  test.each(['pushState', 'uploadConfiguration'] as const)('%s of what is none', async (name) => {
    for (const text of [
      `{"version":4,"outputs":{"x":"${CANARY}`,
      CANARY,
      `{"version":4,"lineage":"${CANARY}","serial":"${CANARY}"}`,
      `{"version":"${CANARY}"}`,
    ]) {
      expect(await push(name, text), text.replace(CANARY, '…')).toBeGreaterThanOrEqual(400);
      expect(await push(name, text, { 'x-content-sha256': CANARY })).toBeGreaterThanOrEqual(400);
      expect(await push(name, text, { 'x-content-sha256': 'a'.repeat(64) })).toBeGreaterThanOrEqual(400);
    }
  });

  test('a state that is older than the one there is', async () => {
    const state = (serial: number): string =>
      JSON.stringify({
        version: 4,
        serial,
        lineage: 'l-1',
        outputs: { x: { value: CANARY, type: 'string', sensitive: true } },
        resources: [],
      });
    expect(await push('pushState', state(5))).toBeUndefined();
    expect(await push('pushState', state(3))).toBe(409);
  });

  test.each([
    ['a token', { authorization: `Bearer ${CANARY}` }],
    ['an API token', { authorization: `Bearer gct_${CANARY}` }],
    ['an agent token', { authorization: `Bearer agt_${CANARY}` }],
    ['a signed token', { authorization: `Bearer eyJhbGciOiJub25lIn0.${CANARY}.x` }],
    ['a password', { authorization: `Basic ${Buffer.from(`a:${CANARY}`).toString('base64')}` }],
    ['no scheme', { authorization: CANARY }],
    ['application keys', { 'x-app-key': 'app', 'x-app-secret': CANARY }],
    ['a cookie', { cookie: `session=${CANARY}` }],
    ['an idempotency key', { 'idempotency-key': `${CANARY} ü` }],
  ])('%s in the headers', async (_what, headers) => {
    for (const name of ['getMe', 'createVariable', 'registerAgent', 'getTaskData'] as const) {
      const spec = routes[name] as RouteSpec;
      const answer = await it.call(spec.method, pathOf(spec), {
        token: null,
        headers,
        ...(spec.method === 'GET' ? {} : { body: { key: 'k' } }),
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.bytes.toString() + JSON.stringify(answer.headers)).not.toContain(CANARY);
    }
  });

  test('a query that somebody put a token into', async () => {
    for (const path of [
      `/me?token=${CANARY}`,
      `/workspaces?limit=${CANARY}`,
      `/nothing?access_token=${CANARY}`,
      `/workspaces?cursor=${CANARY}`,
    ]) {
      const answer = await it.call('GET', path, { token: null });
      expect([path, answer.status >= 400]).toEqual([path, true]);
      expect(answer.bytes.toString()).not.toContain(CANARY);
    }
  });
});
