import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock, systemRandom } from '@groundcrew/kit';
import { buildEnv } from '@groundcrew/terraform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../journal/index.ts';
import { away, createFakeUpstream, type FakeUpstream, refusal } from './fake-upstream-for-tests.ts';
import {
  backendAccess,
  createRelayVerbs,
  createStateForwarder,
  deriveRelayCredentials,
  openRelay,
  openStateSpool,
} from './index.ts';

let dir: string;
let upstream: FakeUpstream;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gc-runner-relay-'));
  upstream = createFakeUpstream();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(dir, { recursive: true, force: true });
});

const credentials = deriveRelayCredentials('the secret of the attempt');
const logger = createLogger({ name: 'test', level: 'silent' });

/** A relay as a runner composes it, on what stands in the folder; called again it is the successor's. */
async function open(port = 0, seen: string[] = []) {
  const journal = await openJournal(join(dir, 'journal'));
  const stateDir = join(dir, 'state');
  const spool = await openStateSpool(stateDir);
  const forwarder = createStateForwarder({ spool, upstream, clock: systemClock, random: systemRandom, logger });
  const onState = async (path: string) => void seen.push(readFileSync(path, 'utf8'));
  const onDiskFull = async () => rmSync(join(dir, 'filler'), { force: true });
  const verbs = createRelayVerbs({ stateDir, spool, forwarder, upstream, journal, onState, onDiskFull });
  const relay = await openRelay({ port, credentials, verbs, clock: systemClock, logger });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    forwarder.close();
    await relay.close();
  };
  closers.push(close);
  const allowApply = async () => {
    await journal.write('permitted', { epoch: 1, at: 'now' });
    verbs.allowApply();
  };
  return { port: relay.port, spool, forwarder, journal, allowApply, close, seen };
}
type Opened = Awaited<ReturnType<typeof open>>;

interface Reply {
  status: number;
  body: string;
  retryAfter: string | undefined;
}
function call(
  { port }: Opened,
  method: string,
  {
    body,
    query = '',
    md5,
    auth = basic(),
    path = credentials.path,
  }: { body?: string | Buffer; query?: string; md5?: string; auth?: string; path?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: auth, ...(md5 === undefined ? {} : { 'content-md5': md5 }) };
    const req = request({ port, host: '127.0.0.1', method, path: path + query, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          retryAfter: res.headers['retry-after'],
        }),
      );
    });
    req.on('error', reject);
    req.end(body);
  });
}
const basic = (password = credentials.password) => `Basic ${Buffer.from(`attempt:${password}`).toString('base64')}`;
const lockBody = (id: string) => JSON.stringify({ ID: id, Operation: 'OperationTypeApply' });
const state = (serial: number, extra = '') =>
  `{"version":4,"terraform_version":"1.11.4","serial":${serial},"lineage":"l-1","outputs":{},"resources":[]${extra}}`;
const md5 = (body: string | Buffer) => createHash('md5').update(body).digest('base64');

describe('relay', () => {
  it('answers nobody without the attempt’s own path and credentials', async () => {
    const relay = await open();
    expect((await call(relay, 'GET', { auth: basic('wrong') })).status).toBe(401);
    expect((await call(relay, 'GET', { auth: '' })).status).toBe(401);
    expect((await call(relay, 'GET', { path: '/state/other' })).status).toBe(404);
    expect((await call(relay, 'DELETE')).status).toBe(405);
    expect(upstream.calls).toEqual([]);
  });

  it('lets a plan lock here and read from the server, and write nothing', async () => {
    const relay = await open();
    expect((await call(relay, 'GET')).status).toBe(404);
    upstream.current = Buffer.from(state(3));
    expect((await call(relay, 'LOCK', { body: lockBody('a') })).status).toBe(200);
    expect((await call(relay, 'GET')).body).toBe(state(3));
    expect(relay.seen).toEqual([state(3)]);
    expect((await call(relay, 'POST', { body: state(4), query: '?ID=a' })).status).toBe(409);
    expect((await call(relay, 'UNLOCK', { body: lockBody('a') })).status).toBe(200);
    expect((await call(relay, 'UNLOCK', { body: '' })).status).toBe(200);
    expect(upstream.calls).toEqual(['get', 'get']);
    expect(upstream.locks).toEqual([]);
  });

  it('has an apply’s LOCK and first GET answered by the server alone, and says 503 while it is away', async () => {
    const relay = await open();
    await relay.allowApply();
    upstream.current = Buffer.from(state(3));
    upstream.fault = away;
    expect(await call(relay, 'LOCK', { body: lockBody('a') })).toMatchObject({ status: 503, retryAfter: '1' });
    expect((await call(relay, 'GET')).status).toBe(503);
    expect(relay.journal.find('locked')).toBeUndefined();
    upstream.fault = () => undefined;
    expect((await call(relay, 'LOCK', { body: lockBody('a') })).status).toBe(200);
    expect((await call(relay, 'LOCK', { body: lockBody('a') })).status).toBe(200);
    expect(upstream.locks).toEqual(['a']);
    const other = await call(relay, 'LOCK', { body: lockBody('b') });
    expect(other).toMatchObject({ status: 423, body: lockBody('a') });
  });

  it('shows the server’s sentence when it refuses the LOCK', async () => {
    const relay = await open();
    await relay.allowApply();
    upstream.fault = () => refusal('The attempt was closed by a person.');
    const answer = await call(relay, 'LOCK', { body: lockBody('a') });
    expect(answer).toMatchObject({ status: 423, body: '{"ID":"The attempt was closed by a person."}' });
    expect((await call(relay, 'GET')).body).toContain('closed by a person');
  });

  it('takes a state while the server is away, gives it back, and brings the newest there later', async () => {
    const relay = await open();
    await relay.allowApply();
    await call(relay, 'LOCK', { body: lockBody('a') });
    upstream.fault = away;
    for (const serial of [4, 5, 6]) {
      const body = state(serial);
      expect((await call(relay, 'POST', { body, query: '?ID=a', md5: md5(body) })).status).toBe(200);
    }
    expect((await call(relay, 'GET')).body).toBe(state(6));
    upstream.fault = () => undefined;
    relay.forwarder.nudge();
    const delivery = await relay.forwarder.settled();
    expect(delivery).toMatchObject({
      outcome: 'stored',
      state: { name: { lineage: 'l-1', serial: 6 }, size: state(6).length },
    });
    expect(upstream.states.map(String)).toEqual([state(6)]);
    expect(readdirSync(join(dir, 'state'))).toEqual(['000003.tfstate']);
  });

  it('answers GET by itself once the server has answered one under the lock', async () => {
    for (const current of [undefined, Buffer.from(state(3))]) {
      await rm(dir, { recursive: true, force: true });
      upstream = createFakeUpstream();
      upstream.current = current;
      const relay = await open();
      await relay.allowApply();
      await call(relay, 'LOCK', { body: lockBody('a') });
      const first = await call(relay, 'GET');
      upstream.fault = away;
      expect(await call(relay, 'GET')).toEqual(first);
      await relay.close();
      expect(await call(await open(), 'GET')).toEqual(first);
    }
  });

  it('refuses a POST of a foreign lock and takes nothing that arrived damaged', async () => {
    const relay = await open();
    await relay.allowApply();
    expect((await call(relay, 'POST', { body: state(4), query: '?ID=a' })).status).toBe(409);
    await call(relay, 'LOCK', { body: lockBody('a') });
    expect((await call(relay, 'POST', { body: state(4), query: '?ID=zombie' })).status).toBe(409);
    expect((await call(relay, 'POST', { body: state(4) })).status).toBe(409);
    expect((await call(relay, 'POST', { body: state(4), query: '?ID=a', md5: md5('other') })).status).toBe(503);
    expect(relay.spool.newest()).toBeUndefined();
    expect(readdirSync(join(dir, 'state'))).toEqual([]);
  });

  it('tells a quarantined state from a stored one, and one that is refused for good', async () => {
    const relay = await open();
    await relay.allowApply();
    await call(relay, 'LOCK', { body: lockBody('a') });
    upstream.quarantines = true;
    expect((await call(relay, 'POST', { body: state(4), query: '?ID=a' })).status).toBe(200);
    expect(await relay.forwarder.settled()).toMatchObject({ outcome: 'quarantined' });
    upstream.fault = () => refusal('too large');
    expect((await call(relay, 'POST', { body: state(5), query: '?ID=a' })).status).toBe(200);
    expect(await relay.forwarder.settled()).toMatchObject({ outcome: 'refused' });
    expect(relay.spool.newest()?.name?.serial).toBe(5);
  });

  it('knows after a restart on its port the lock, the permit and the newest state, and delivers it', async () => {
    const first = await open();
    await first.allowApply();
    await call(first, 'LOCK', { body: lockBody('a') });
    upstream.fault = away;
    await call(first, 'POST', { body: state(9), query: '?ID=a' });
    writeFileSync(join(dir, 'state', '2.incoming'), '{"version":4,"ser');
    await first.close();
    upstream.fault = () => undefined;
    const second = await open(first.port);
    expect(second.port).toBe(first.port);
    expect((await call(second, 'LOCK', { body: lockBody('b') })).status).toBe(423);
    expect((await call(second, 'GET')).body).toBe(state(9));
    expect(await second.forwarder.settled()).toMatchObject({
      outcome: 'stored',
      state: { checksum: createHash('sha256').update(state(9)).digest('hex') },
    });
    expect((await call(second, 'POST', { body: state(10), query: '?ID=a' })).status).toBe(200);
  });

  it('takes 64 MB without holding them in memory', async () => {
    const relay = await open();
    await relay.allowApply();
    await call(relay, 'LOCK', { body: lockBody('a') });
    const body = Buffer.from(state(2, `,"x":"${'y'.repeat(64 * 1024 * 1024)}"`));
    relay.seen.push = () => 0;
    const before = process.memoryUsage().arrayBuffers;
    expect((await call(relay, 'POST', { body, query: '?ID=a', md5: md5(body) })).status).toBe(200);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1024 * 1024);
    expect(await relay.forwarder.settled()).toMatchObject({ outcome: 'stored', state: { size: body.length } });
  });

  it('makes room for a state that finds none, and takes it when it comes again', async (test) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', dir], { stdio: 'pipe' });
    } catch {
      return test.skip('a small disk can be mounted by root alone');
    }
    try {
      const relay = await open();
      await relay.allowApply();
      await call(relay, 'LOCK', { body: lockBody('a') });
      writeFileSync(join(dir, 'filler'), Buffer.alloc(900_000));
      const body = state(4, `,"x":"${'y'.repeat(300_000)}"`);
      expect((await call(relay, 'POST', { body, query: '?ID=a' })).status).toBe(503);
      expect((await call(relay, 'POST', { body, query: '?ID=a' })).status).toBe(200);
      expect(await relay.forwarder.settled()).toMatchObject({ outcome: 'stored' });
      await relay.close();
    } finally {
      execFileSync('umount', [dir]);
    }
  });

  it('finds the name of a state however it begins', async () => {
    const relay = await open();
    await relay.allowApply();
    await call(relay, 'LOCK', { body: lockBody('a') });
    const odd = `{"resources":[{"serial":1,"lineage":"no"}],"outputs":{},"version":4,\n"lineage":"l\\u002d2", "serial": 7}`;
    await call(relay, 'POST', { body: odd, query: '?ID=a' });
    expect(relay.spool.newest()?.name).toEqual({ lineage: 'l-2', serial: 7 });
    await call(relay, 'POST', { body: 'no state', query: '?ID=a' });
    expect(relay.spool.newest()).toMatchObject({ name: undefined, sequence: 2 });
  });
});

describe('relay with the real Terraform', () => {
  function terraform(relay: Opened, ...args: string[]) {
    const work = join(dir, 'work');
    mkdirSync(work, { recursive: true });
    writeFileSync(join(dir, 'rc'), '');
    const { env } = buildEnv({
      path: process.env.PATH ?? '',
      home: dir,
      tmp: dir,
      cliConfigFile: join(dir, 'rc'),
      backend: backendAccess(relay.port, credentials),
      userEnv: {},
    });
    const child = spawn('terraform', args, { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, output })),
    );
    return { ended, output: () => output };
  }
  const configuration = (code: string) => {
    mkdirSync(join(dir, 'work'), { recursive: true });
    writeFileSync(join(dir, 'work', 'main.tf'), `terraform {\n  backend "http" {}\n}\n${code}`);
  };
  const succeed = async (relay: Opened, ...args: string[]) => {
    const { code, output } = await terraform(relay, ...args).ended;
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  };

  it('carries init, plan and apply; the server has exactly the state that was written', async () => {
    configuration(
      'resource "terraform_data" "a" {\n  input = "x"\n}\noutput "o" {\n  value = terraform_data.a.output\n}\n',
    );
    const relay = await open();
    await succeed(relay, 'init', '-input=false');
    await succeed(relay, 'plan', '-input=false', '-out=p');
    expect(upstream.calls).toEqual(['get', 'get']);
    await relay.allowApply();
    await succeed(relay, 'apply', '-input=false', 'p');
    const delivery = await relay.forwarder.settled();
    expect(upstream.locks).toHaveLength(1);
    expect(upstream.states.at(-1)?.toString()).toBe(readFileSync(delivery!.state.path, 'utf8'));
    expect(JSON.parse(String(upstream.current))).toMatchObject({
      serial: delivery?.state.name?.serial,
      outputs: { o: { value: 'x' } },
    });
  });

  it('keeps an apply going over a restart in its middle and a server that is away from the lock on', async () => {
    configuration(
      'resource "terraform_data" "slow" {\n  provisioner "local-exec" {\n    command = "while [ ! -e go-on ]; do sleep 0.05; done"\n  }\n}\n',
    );
    const first = await open();
    await succeed(first, 'init', '-input=false');
    await succeed(first, 'plan', '-input=false', '-out=p');
    await first.allowApply();
    const apply = terraform(first, 'apply', '-input=false', 'p');
    while (!apply.output().includes('Creating...')) await systemClock.sleep(10);
    upstream.fault = away;
    await first.close();
    writeFileSync(join(dir, 'work', 'go-on'), '');
    await systemClock.sleep(300);
    const second = await open(first.port);
    expect(await apply.ended).toMatchObject({ code: 0 });
    expect(upstream.states).toEqual([]);
    upstream.fault = () => undefined;
    second.forwarder.nudge();
    expect(await second.forwarder.settled()).toMatchObject({ outcome: 'stored' });
    expect(JSON.parse(String(upstream.current)).resources).toHaveLength(1);
  }, 20_000);

  it('fails an apply whose lock is refused, with the server’s sentence, and nothing is applied', async () => {
    configuration('resource "terraform_data" "a" {}\n');
    const relay = await open();
    await succeed(relay, 'init', '-input=false');
    await succeed(relay, 'plan', '-input=false', '-out=p');
    await relay.allowApply();
    upstream.fault = (call) => (call === 'lock' ? refusal('This attempt was closed by Ada.') : undefined);
    const { code, output } = await terraform(relay, 'apply', '-input=false', 'p').ended;
    expect(code).toBe(1);
    // Terraform breaks and colours its lines.
    for (const word of 'This attempt was closed by Ada.'.split(' ')) expect(output).toContain(word);
    expect(upstream.states).toEqual([]);
  });
});

it('derives the same credentials from the same secret only', () => {
  expect(deriveRelayCredentials('the secret of the attempt')).toEqual(credentials);
  expect(deriveRelayCredentials(randomBytes(8).toString('hex')).password).not.toBe(credentials.password);
});
