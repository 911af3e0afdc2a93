import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ApiTokenCreated } from '@groundcrew/protocol';
import { createTemporaryFolder, waitFor } from '@groundcrew/testkit';
import { afterAll, afterEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = createTemporaryFolder('main');
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});
afterAll(() => folder.remove());

const home = (name = 'home') => join(folder.path, name);

function start(env: Record<string, string> = {}, args: string[] = []): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env.PATH,
      GROUNDCREW_HOME: home(),
      GROUNDCREW_LISTEN_PORT: '0',
      GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false',
      GROUNDCREW_READY_FD: '3',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

interface Ready {
  url: string;
  sign_in_token: string | null;
}
async function readyOf(child: ChildProcess): Promise<Ready> {
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) return JSON.parse(line) as Ready;
  throw new Error(`It ended: ${await text(child.stderr as Readable)}`);
}
const outcomeOf = async (child: ChildProcess) => {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, 'exit'),
  ]);
  return { stdout, stderr, code };
};

test('starts on an empty folder, keeps its data through a kill, refuses a second one, and leaves on SIGTERM', async () => {
  const first = start();
  const ready = await readyOf(first);
  expect(JSON.parse(readFileSync(join(home(), 'server.json'), 'utf8'))).toMatchObject({
    url: ready.url,
    pid: first.pid,
  });
  const signedIn = await fetch(`${ready.url}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sign_in_token: ready.sign_in_token }),
  });
  const { token } = (await signedIn.json()) as ApiTokenCreated;
  const headers = { authorization: `Bearer ${token}` };

  const second = await outcomeOf(start());
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`is in use by another Groundcrew server (process ${first.pid})`);
  expect(second.stderr).not.toContain('    at ');

  expect((await fetch(`${ready.url}/api/v1/me`, { headers })).status).toBe(200);
  await waitFor('the token to be marked as used', () => new Promise((resolve) => setTimeout(() => resolve(true), 200)));
  first.kill('SIGKILL');
  await once(first, 'exit');
  const again = start();
  const { url, sign_in_token } = await readyOf(again);
  expect(sign_in_token).toBeNull();
  expect((await fetch(`${url}/api/v1/me`, { headers })).status).toBe(200);

  again.kill('SIGTERM');
  const { code, stderr } = await outcomeOf(again);
  expect(code).toBe(0);
  expect(stderr).toContain('"unclosed":[]');
  expect(existsSync(join(home(), 'server.json'))).toBe(false);
});

test('prints for people when nobody listens', async () => {
  const child = start({ GROUNDCREW_HOME: home('people'), GROUNDCREW_READY_FD: '' });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout as Readable })) if (lines.push(line) === 2) break;
  expect(lines[0]).toMatch(/^Groundcrew is ready at http:\/\/127\.0\.0\.1:\d+ after \d+\.\d s\.$/);
  expect(lines[1]).toMatch(/groundcrew login http:\/\/127\.0\.0\.1:\d+, and give it this token: gcs_\S{43}$/);
  child.kill('SIGTERM');
  const { stderr } = await outcomeOf(child);
  expect(stderr).not.toContain('gcs_');
});

test('mistakes of the configuration are told all at once, without a trace', async () => {
  const { code, stderr } = await outcomeOf(start({ GROUNDCREW_LISTEN_PORT: 'x', GROUNDCREW_LOGGING_LEVEL: 'loud' }));
  expect(code).toBe(1);
  expect(stderr).toContain('listen.port (GROUNDCREW_LISTEN_PORT)');
  expect(stderr).toContain('logging.level');
  expect(stderr).not.toContain('    at ');
});

test.each([
  [
    'a port that is taken',
    async () => ({
      GROUNDCREW_LISTEN_PORT: new URL((await readyOf(start({ GROUNDCREW_HOME: home('other') }))).url).port,
    }),
    'listens there already',
  ],
  ['a database that is not there', async () => ({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }), 'database'],
  ['a master key that is none', async () => ({ GROUNDCREW_MASTER_KEY: 'short' }), 'openssl rand'],
])('%s is a sentence, and nothing keeps running', async (_what, make, words) => {
  const env = await make();
  const { code, stderr } = await outcomeOf(start({ GROUNDCREW_HOME: home('failing'), ...env }));
  expect(code).toBe(1);
  expect(stderr).toContain(words);
  expect(stderr).not.toContain('    at ');
});

test('takes the master key from a file it is told, makes none of its own, and knows another one by its sentence', async () => {
  const [file, other] = [join(folder.path, 'given.key'), join(folder.path, 'other.key')];
  writeFileSync(file, `${Buffer.alloc(32, 3).toString('base64')}\n`, { mode: 0o600 });
  writeFileSync(other, Buffer.alloc(32, 4).toString('hex'), { mode: 0o600 });
  const env = { GROUNDCREW_HOME: home('keyed'), GROUNDCREW_MASTER_KEY_FILE: file };
  for (const _ of ['first', 'second']) {
    const server = start(env);
    await readyOf(server);
    expect(existsSync(join(home('keyed'), 'master.key'))).toBe(false);
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  const { code, stderr } = await outcomeOf(start({ ...env, GROUNDCREW_MASTER_KEY_FILE: other }));
  expect(code).toBe(1);
  expect(stderr).toContain('not the one this database was made with');
  const missing = await outcomeOf(start({ ...env, GROUNDCREW_MASTER_KEY_FILE: '/nowhere/key' }));
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('/nowhere/key') });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test.skipIf(!hasOpenssl)('its own agent trusts a certificate that only this server has', async () => {
  const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  spawnSync('openssl', [...made, ...names, '-keyout', key, '-out', cert]);
  const port = await findFreePort();
  const server = start({
    GROUNDCREW_HOME: home('tls'),
    GROUNDCREW_LISTEN_PORT: String(port),
    GROUNDCREW_PUBLIC_URL: `https://localhost:${port}`,
    GROUNDCREW_TLS_CERT_FILE: cert,
    GROUNDCREW_TLS_KEY_FILE: key,
    GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'true',
  });
  let said = '';
  (server.stderr as Readable).on('data', (chunk) => (said += chunk));
  await readyOf(server);
  await waitFor('the agent signs on', () => said.includes('"signed on"') || undefined, 20_000);
  server.kill('SIGTERM');
  await once(server, 'exit');
});

/** Free a moment ago, which is as much as anybody can say. */
const findFreePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

test('says its version', async () => {
  expect(await outcomeOf(start({}, ['--version']))).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^groundcrew-server \d+\.\d+\.\d+\n$/),
  });
});
