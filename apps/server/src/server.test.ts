import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createLogger, newId } from '@groundcrew/kit';
import { API_PREFIX, type ErrorBody, type RouteSpec, routes, SOCKETS } from '@groundcrew/protocol';
import { createTemporaryFolder, createTestDatabase } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { buildServer } from './build-server.ts';
import { readConfiguration } from './configuration.ts';
import { createTestServer, type TestServer } from './injected-server-for-tests.ts';
import { ROLE_PERMISSIONS } from './modules/rights/index.ts';

let it: TestServer;
let viewer: string;
beforeAll(async () => {
  it = await createTestServer();
  viewer = (await it.addUser('viewer')).token;
});
afterAll(() => it.close());

const TABLE = Object.entries(routes) as [string, RouteSpec][];
/** Ends the very token it is called with. */
const LASTING = TABLE.filter(([name]) => name !== 'signOut');
const pathOf = ({ path }: RouteSpec): string =>
  path.replace(/:([a-z_]+)/g, (_all, name: string) => newId(name === 'task_id' ? 'task' : 'thing'));
const callRow = (spec: RouteSpec, token: string | null) =>
  it.call<ErrorBody>(spec.method, pathOf(spec), { token, ...(spec.method === 'GET' ? {} : { body: {} }) });

describe('every row of the table', () => {
  test.each(TABLE.filter(([, { access }]) => access.who !== 'anybody'))(
    '%s wants a credential',
    async (_name, spec) => {
      for (const token of [
        null,
        'rubbish',
        `gct_${'x'.repeat(43)}`,
        `att_${'x'.repeat(43)}`,
        `agt_${'x'.repeat(43)}`,
      ]) {
        const { status, body } = await callRow(spec, token);
        expect([status, body?.code]).toEqual([401, 'unauthenticated']);
      }
    },
  );

  test.each(TABLE.filter(([, { access }]) => access.who !== 'anybody' && access.who !== 'user'))(
    '%s is not for users',
    async (_name, spec) => {
      expect((await callRow(spec, it.token)).status).toBe(401);
    },
  );

  test.each(LASTING.filter(([, { access }]) => access.who === 'user'))(
    '%s keeps to the permission it names',
    async (_name, spec) => {
      const permission = spec.access.who === 'user' ? spec.access.permission : 'signed_in';
      const allowed = permission === 'signed_in' || ROLE_PERMISSIONS.viewer.has(permission);
      const { status, body } = await callRow(spec, viewer);
      if (allowed) expect(status).not.toBe(403);
      else expect([status, body.error]).toEqual([403, expect.stringContaining(permission)]);
    },
  );

  test.each(LASTING)('%s answers nonsense with a mistake, never with a fault', async (_name, spec) => {
    const { status, body } = await callRow(spec, it.token);
    expect(status).toBeLessThan(500);
    if (status >= 400)
      expect(body).toMatchObject({
        error: expect.stringMatching(/[.?]$/),
        code: expect.any(String),
        request_id: expect.stringMatching(/^req-/),
      });
  });
});

describe('beside the table', () => {
  const fetchPath = (url: string) => it.server.http.app.inject({ url });

  test('the document and a page to browse it, with nothing from another host', async () => {
    expect((await fetchPath('/api/openapi.json')).json()).toMatchObject({ openapi: '3.1.0' });
    const page = await fetchPath('/api/docs');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      expect(link).toMatch(/^\/api\/docs\//);
      expect((await fetchPath(link)).statusCode).toBe(200);
    }
  });

  test.each(Object.values(SOCKETS))('%s says that it is a WebSocket', async (path) => {
    const answer = await fetchPath(path);
    expect([answer.statusCode, (answer.json() as ErrorBody).error]).toEqual([
      400,
      expect.stringContaining('WebSocket'),
    ]);
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test.skipIf(!hasOpenssl)('serves HTTPS and WebSockets with a certificate of its own', async () => {
  const folder = createTemporaryFolder('tls');
  const [certFile, keyFile] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '1',
    '-keyout',
    keyFile,
    '-out',
    certFile,
    ...subject,
  ]);
  const database = await createTestDatabase();
  const configuration = readConfiguration({
    GROUNDCREW_HOME: folder.path,
    GROUNDCREW_TLS_CERT_FILE: certFile,
    GROUNDCREW_TLS_KEY_FILE: keyFile,
  });
  const server = await buildServer({
    configuration,
    address: database.address,
    logger: createLogger({ name: 'test', level: 'silent' }),
    strict: true,
  });
  const url = await server.http.listen({ host: '127.0.0.1', port: 0 });
  const ca = readFileSync(certFile);
  const answered = await new Promise<{ headers: object; body: string }>((resolve, reject) => {
    get(`${url}${API_PREFIX}/info`, { ca, agent: false }, async (response) =>
      resolve({ headers: response.headers, body: await text(response) }),
    ).on('error', reject);
  });
  expect(url).toMatch(/^https:/);
  expect(JSON.parse(answered.body)).toMatchObject({ name: 'groundcrew' });
  expect(answered.headers).toHaveProperty('strict-transport-security');
  const socket = new WebSocket(`${url.replace('https', 'wss')}${SOCKETS.events}`, { ca });
  const status = await new Promise((resolve) =>
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode)).on('error', () => {}),
  );
  expect(status).toBe(401);
  socket.terminate();
  await server.close();
  await database.drop();
  folder.remove();
});
