import { spawn } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import { createTemporaryFolder, type TemporaryFolder, waitFor } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, createDatabase, type SocketAddress } from '../database/index.ts';
import { startChild } from './child-for-tests.ts';
import { findEnginePackage, prepareEngine } from './engine.ts';
import { createEmbeddedPostgres } from './index.ts';
import { readPostmasterFile } from './leftover.ts';
import { findRunner } from './run-as.ts';
import { postgresArguments } from './settings.ts';
import { chooseSocketFolder } from './socket-folder.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const IS_ROOT = process.getuid?.() === 0;

let home: TemporaryFolder;
let dataFolder: string;
beforeAll(() => {
  home = createTemporaryFolder('home');
  dataFolder = join(home.path, 'postgres', 'data');
});
afterAll(() => home.remove());

async function ask<T extends object>(address: SocketAddress, statement: string): Promise<T[]> {
  const session = await connect(address, 'test');
  return session
    .query<T>(statement)
    .then(({ rows }) => rows)
    .finally(() => session.end());
}

const isAlive = (pid: number): boolean => {
  try {
    // A process that is dead but not yet buried has no command line.
    return (
      process.kill(pid, 0) && (process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '')
    );
  } catch {
    return false;
  }
};

/** The supervisor in this process, for as long as `use` runs. */
async function withPostgres<T>(
  use: (address: SocketAddress) => Promise<T>,
  homeDir = home.path,
  onRestart = () => {},
): Promise<T> {
  const postgres = createEmbeddedPostgres({ homeDir, logger, onRestart });
  try {
    return await use(await postgres.start());
  } finally {
    await postgres.stop();
  }
}

test('a set-up that was killed half way is begun anew', async () => {
  const child = startChild(home.path);
  await waitFor('the beginnings of a data folder', () => findUnfinished().length > 0);
  child.kill('SIGKILL');
  await child.exited;
  expect(existsSync(dataFolder)).toBe(false);
  await withPostgres(async (address) => {
    expect(await ask(address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
  expect(findUnfinished()).toEqual([]);
});

const findUnfinished = () => {
  const folder = join(home.path, 'postgres');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.includes('.new')) : [];
};

test('data outlives a stop, and nobody gets at it but through the socket with the password', async () => {
  await withPostgres(async (address) => {
    await ask(address, 'CREATE TABLE kept (id integer)');
    await ask(address, 'INSERT INTO kept VALUES (1)');
    expect(statSync(address.host).mode & 0o777).toBe(0o700);
    expect(await ask(address, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
    expect(await ask(address, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    await expect(ask({ ...address, password: 'guess' }, 'SELECT 1')).rejects.toMatchObject({ sqlState: '28P01' });
  });
  await withPostgres(async (address) => {
    expect(await ask(address, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
    expect(await ask(address, "SELECT lower('ÄÖ') AS lower, 'ä' < 'z' AS bytewise")).toEqual([
      { lower: 'äö', bytewise: false },
    ]);
  });
});

test('one home, one server: the second one gets a sentence', async () => {
  const child = startChild(home.path);
  await child.started;
  await expect(createEmbeddedPostgres({ homeDir: home.path, logger }).start()).rejects.toThrow(
    `${home.path} is in use by another Groundcrew server (process ${child.pid}). Stop that one, or give this one a folder of its own`,
  );
  child.kill('SIGTERM');
  await child.exited;
  await withPostgres(async () => {});
});

test.runIf(process.platform === 'linux')(
  'PostgreSQL ends with its supervisor, however that ends, and what was committed is there',
  async () => {
    let committed = 1;
    for (const _round of [1, 2, 3]) {
      const child = startChild(home.path);
      const address = await child.started;
      const { pid } = (await readPostmasterFile(dataFolder))!;
      const session = await connect(address, 'test');
      const killed = committed + 20;
      for (; committed < killed; committed += 1) await session.query('INSERT INTO kept VALUES ($1)', [committed + 1]);
      child.kill('SIGKILL');
      await child.exited;
      await waitFor('PostgreSQL to end', () => !isAlive(pid));
      await session.end().catch(() => {});
    }
    await withPostgres(async (address) => {
      expect(await ask(address, 'SELECT count(*), count(DISTINCT id) AS ids FROM kept')).toEqual([
        { count: committed, ids: committed },
      ]);
    });
  },
);

test('one that an earlier server left running is stopped and replaced', async () => {
  const orphan = await startOrphan();
  const { pid } = await waitFor('the orphan', async () =>
    (await readPostmasterFile(dataFolder))?.ready ? readPostmasterFile(dataFolder) : undefined,
  );
  expect(pid).toBe(orphan.pid);
  await withPostgres(async (address) => {
    expect(isAlive(pid)).toBe(false);
    expect(await ask(address, 'SELECT count(*) > 0 AS there FROM kept')).toEqual([{ there: true }]);
  });
});

/** PostgreSQL on the home's data with nobody to end it. */
async function startOrphan() {
  const engine = await prepareEngine(findEnginePackage(), home.path);
  const { command, user } = await findRunner(dataFolder);
  const [program, ...args] = command(
    engine.postgres,
    postgresArguments(dataFolder, join(home.path, 'postgres', 'run')),
    'INT',
  );
  const all = [program, ...args];
  const setpriv = all.indexOf('setpriv');
  if (setpriv >= 0) all.splice(setpriv, 4);
  const [first = '', ...rest] = all;
  return spawn(first, rest, { env: { PATH: process.env.PATH }, stdio: 'ignore', detached: true, ...user });
}

test('a file left by a crash that names a process which is something else by now is no obstacle', async () => {
  const lines = [process.pid, dataFolder, 1_700_000_000, 5432, join(home.path, 'postgres', 'run'), '', '', 'ready   '];
  writeFileSync(join(dataFolder, 'postmaster.pid'), lines.join('\n'), { mode: 0o600 });
  if (IS_ROOT) chownSync(join(dataFolder, 'postmaster.pid'), 0, 0);
  await withPostgres(async (address) => {
    expect(await ask(address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

test('one that dies is started again, and queries wait for it', async () => {
  let restarts = 0;
  const count = (): void => {
    restarts += 1;
  };
  await withPostgres(
    async (address) => {
      const db = createDatabase({ address, logger });
      for (const signal of ['SIGKILL', 'SIGQUIT'] as const) {
        const { pid } = (await readPostmasterFile(dataFolder))!;
        process.kill(pid, signal);
        await waitFor('PostgreSQL to die', () => !isAlive(pid));
        // A session that has not heard of it yet may be handed out once.
        const countRows = () => sql<{ count: number }>`SELECT count(*) FROM kept`.execute(db);
        const { rows } = await countRows().catch(countRows);
        expect(rows[0]?.count).toBeGreaterThan(0);
        expect((await readPostmasterFile(dataFolder))?.pid).not.toBe(pid);
      }
      await db.destroy();
    },
    home.path,
    count,
  );
  expect(restarts).toBe(2);
});

test('stop ends sessions, also one in the middle of a statement, and may come at any time', async () => {
  const postgres = createEmbeddedPostgres({ homeDir: home.path, logger });
  const starting = postgres.start();
  await postgres.stop();
  const address = await starting;
  await expect(ask(address, 'SELECT 1')).rejects.toMatchObject({ kind: 'unavailable' });

  const again = createEmbeddedPostgres({ homeDir: home.path, logger });
  const session = await connect(await again.start(), 'test');
  const asleep = session.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
  await again.stop();
  expect(await asleep).toMatchObject({ code: '57P01' });
  expect(await readPostmasterFile(dataFolder)).toBeUndefined();
});

test('data of another major version is refused', async () => {
  const version = readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8');
  writeFileSync(join(dataFolder, 'PG_VERSION'), '14\n');
  await expect(withPostgres(async () => {})).rejects.toThrow(
    /made by PostgreSQL 14, and this version of Groundcrew brings PostgreSQL \d+/,
  );
  writeFileSync(join(dataFolder, 'PG_VERSION'), version);
});

test('a folder with something else in it is refused, an empty one is used', async () => {
  const other = createTemporaryFolder('other');
  const folder = join(other.path, 'postgres', 'data');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'diary.txt'), 'mine');
  await expect(withPostgres(async () => {}, other.path)).rejects.toThrow('holds no PostgreSQL data');
  rmSync(join(folder, 'diary.txt'));
  await withPostgres(async () => {}, other.path);
  other.remove();
});

test('a home too deep for a socket works, and leaves nothing in the temporary folder', async () => {
  const deep = createTemporaryFolder('deep');
  const homeDir = join(deep.path, 'd'.repeat(90));
  mkdirSync(join(homeDir, 'postgres'), { recursive: true });
  cpSync(dataFolder, join(homeDir, 'postgres', 'data'), { recursive: true });
  const { path } = chooseSocketFolder(join(homeDir, 'postgres'));
  expect(path.startsWith(tmpdir())).toBe(true);
  await withPostgres(async (address) => {
    expect(address.host).toBe(path);
    expect(await ask(address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  }, homeDir);
  expect(existsSync(path)).toBe(false);
  deep.remove();
});

test('the log keeps what PostgreSQL says, but neither statements nor values', async () => {
  await withPostgres(async (address) => {
    await ask(address, 'CREATE TABLE unique_secrets (value text PRIMARY KEY)');
    await ask(address, "INSERT INTO unique_secrets VALUES ('hunter2')");
    await expect(ask(address, "INSERT INTO unique_secrets VALUES ('hunter2')")).rejects.toThrow();
    await expect(ask(address, "SELECT 'hunter2'::integer")).rejects.toThrow();
  });
  const log = readFileSync(join(home.path, 'postgres', 'server.log'), 'utf8');
  expect(log).toContain('ready to accept connections');
  expect(log).not.toContain('hunter2');
});
