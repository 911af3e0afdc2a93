import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  createTemporaryFolder,
  createTestDatabase,
  type TestDatabase,
  waitFor as waitAtMost,
} from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Session } from './platform/database/index.ts';
import { toUrl } from './platform/database/url-for-tests.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
/** What everybody who migrates a database takes. */
const MIGRATION_LOCK = 7_402_161_905;

const folder = createTemporaryFolder('health');
let database: TestDatabase;
let beside: Session;
let child: ChildProcess;
let url: string;
let said = '';

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  beside = await connect(database.address, 'test', { idleInTransactionTimeoutMs: 0 });
});
afterAll(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  await beside.end().catch(() => {});
  await database.drop();
  folder.remove();
});

const findFreePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

async function ask(
  path: string,
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers } | undefined> {
  const answer = await fetch(url + path).catch(() => undefined);
  return (
    answer && { status: answer.status, body: (await answer.json()) as Record<string, unknown>, headers: answer.headers }
  );
}
const probe = async (name: string) => {
  const answer = await ask(`/health/${name}`);
  return answer && [answer.status, (answer.body.reason as { code: string } | undefined)?.code ?? answer.body.status];
};

/** A process takes its time on a busy machine. */
const waitFor = <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => waitAtMost(what, look, 30_000);

const readMetrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();

test('from a start that waits for a migration to the end of the listener', async () => {
  await beside.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
  const port = await findFreePort();
  url = `http://127.0.0.1:${port}`;
  child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      GROUNDCREW_HOME: folder.path,
      GROUNDCREW_LISTEN_PORT: String(port),
      GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false',
      GROUNDCREW_SHUTDOWN_DELAY: '2s',
      GROUNDCREW_READY_FD: '3',
      DATABASE_URL: toUrl(database.address),
    },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  (child.stderr as Readable).on('data', (chunk) => (said += chunk));

  await waitFor('the wait for the migration', async () => {
    const { body } = (await ask('/health/startup')) ?? {};
    return String((body?.reason as { message: string })?.message).includes('migrations are applied') || undefined;
  });
  expect(await probe('live')).toEqual([200, 'alive']);
  expect(await probe('startup')).toEqual([503, 'starting']);
  expect(await probe('ready')).toEqual([503, 'starting']);
  const early = await ask('/api/v1/info');
  expect(early).toMatchObject({
    status: 503,
    body: { code: 'unavailable', request_id: expect.stringMatching(/^req-/) },
  });
  expect(early?.headers.get('retry-after')).toBe('1');
  expect(early?.headers.get('x-request-id')).toBe(early?.body.request_id);

  await beside.query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK})`);
  for await (const _line of createInterface({ input: child.stdio[3] as Readable })) break;
  expect([await probe('live'), await probe('startup'), await probe('ready')]).toEqual([
    [200, 'alive'],
    [200, 'started'],
    [200, 'ready'],
  ]);

  const keeper = await connect({ connectionString: toUrl(database.address, 'postgres') }, 'test');
  const { rows } = await beside.query<{ name: string }>('SELECT current_database() AS name');
  const name = rows[0]?.name ?? '';
  const allow = (may: boolean) => keeper.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${may}`);
  await allow(false);
  await keeper.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  await waitFor(
    'the database to be missed',
    async () => (await probe('ready'))?.[1] === 'database_unavailable' || undefined,
  );
  expect(await probe('live')).toEqual([200, 'alive']);
  // What is not known is not told: an old value would keep alerts silent, a zero would make them cry.
  await waitFor(
    'the metrics to say so',
    async () => (await readMetrics()).includes('\niac_database_up 0\n') || undefined,
  );
  expect(await readMetrics()).not.toMatch(
    /^iac_(tasks_open|state_versions_quarantined|lease_keeper_silent_seconds)\b/m,
  );
  await allow(true);
  await keeper.end();
  await waitFor('the database to be back', async () => (await probe('ready'))?.[1] === 'ready' || undefined);
  await waitFor(
    'the metrics to be whole',
    async () => (await readMetrics()).includes('\niac_tasks_open{') || undefined,
  );

  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await waitFor('readiness to say no', async () => (await probe('ready'))?.[1] === 'shutting_down' || undefined);
  expect(await probe('live')).toEqual([200, 'alive']);
  expect((await ask('/api/v1/info'))?.status).toBe(200);
  await waitFor('the listener to be gone', async () => ((await ask('/health/live')) === undefined ? true : undefined));
  const [code] = await gone;
  expect([code, said.includes('"unclosed":[]')]).toEqual([0, true]);
});
