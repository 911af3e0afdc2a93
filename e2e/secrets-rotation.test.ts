import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, newSecret, sha256Hex } from '@groundcrew/kit';
import type { OrganizationId, Workspace } from '@groundcrew/protocol';
import { createBlobStore } from '@groundcrew/server/platform/blobs';
import { createDatabase } from '@groundcrew/server/platform/database';
import { findRunningPostgres } from '@groundcrew/server/platform/embedded-postgres';
import { createSealer, loadMasterKeys } from '@groundcrew/server/platform/encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ask,
  bundleOf,
  createLab,
  createWorkspace,
  type Lab,
  openDatabase,
  pushFiles,
  type RunningServer,
  runCli,
  setVariable,
} from './harness/index.ts';

const VARIABLES = 120;
const ARCHIVE_BYTES = 9_000_000;

describe('keys change under a server that runs', () => {
  let lab: Lab;
  let server: RunningServer;
  let workspace: Workspace;
  /** What every sensitive variable has to open to, by key. */
  const values = new Map<string, string>();

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer({ env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' } });
    workspace = await createWorkspace(server);
    await Promise.all(Array.from({ length: VARIABLES }, (_, index) => write(`variable_${index}`)));
    // Not to be compressed, so that it takes several chunks.
    await pushFiles(server, workspace, { 'main.tf': '', 'data.bin': noise(ARCHIVE_BYTES) });
  });
  afterAll(() => lab?.close());

  const noise = (bytes: number): Buffer => Buffer.from(newSecret(bytes), 'base64url');

  async function write(key: string): Promise<void> {
    const value = newSecret(24);
    await setVariable(server, workspace, { key, value, sensitive: true });
    values.set(key, value);
  }

  interface KeyList {
    master_keys: { fingerprint: string; at_hand: boolean; current: boolean; wrapped: number }[];
    data_keys: { id: string; retired_at: string | null; sealed: number; master_key: string }[];
  }

  async function keys(...argv: string[]): Promise<unknown> {
    const { code, out, err } = await runCli(server, 'server', 'keys', ...argv, '--home', server.home, '--json');
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out);
  }
  const list = async () => (await keys('list')) as KeyList;

  /** Everything that is sealed opens to what was put, read anew as a server does that has just started. */
  async function expectAllOpens(): Promise<void> {
    const address = await findRunningPostgres(server.home);
    const db = createDatabase({ address: address!, logger: createLogger({ name: 'test', level: 'silent' }) });
    try {
      const homeFile = join(server.home, 'master.key');
      const sealer = createSealer(db, await loadMasterKeys({ readValue: () => undefined, homeFile }));
      const rows = await db.selectFrom('variables').select(['id', 'organization_id', 'key', 'value_sealed']).execute();
      const opened = await Promise.all(
        rows.map(async ({ id, organization_id, key, value_sealed }) => {
          const value = await sealer.open(organization_id as OrganizationId, 'variable', id, value_sealed!);
          return [key, value.toString()] as const;
        }),
      );
      expect(new Map(opened)).toEqual(values);
      const blobs = createBlobStore(sealer);
      for (const { id, sha256 } of await db.selectFrom('blobs').select(['id', 'sha256']).execute())
        expect(sha256Hex(await blobs.read(db, id))).toBe(sha256);
    } finally {
      await db.destroy();
    }
  }

  /** A key command that is killed after `afterMs`, wherever it is by then; gives whether it had ended by itself. */
  async function killed(afterMs: number, ...argv: string[]): Promise<boolean> {
    const env = { PATH: process.env.PATH ?? '', HOME: server.home };
    const words = [bundleOf('cli'), 'server', 'keys', ...argv, '--home', server.home];
    const command = spawn(process.execPath, words, { env, cwd: server.home, stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = once(command, 'exit');
    // From its first word on: what comes before is the start of Node.
    await Promise.race([once(command.stderr, 'data'), exited]);
    await sleep(afterMs);
    command.kill('SIGKILL');
    const [code] = (await exited) as [number | null];
    return code === 0;
  }

  test('kill -9 at any point of a rotation loses nothing, and the next one ends it while people go on writing', async () => {
    const survived: boolean[] = [];
    for (const afterMs of [0, 40]) {
      survived.push(await killed(afterMs, 'rotate'));
      await write(`written_${afterMs}`);
      await expectAllOpens();
    }
    expect(survived).not.toContain(true);
    const writing = Promise.all(Array.from({ length: 20 }, (_, index) => write(`meanwhile_${index}`)));
    const result = (await keys('rotate')) as { resealed: { left: number; unopened: unknown[] } };
    await writing;
    expect(result.resealed).toMatchObject({ left: 0, unopened: [] });
    await expectAllOpens();
    const { data_keys } = await list();
    expect(data_keys).toHaveLength(4);
    expect(data_keys.filter(({ retired_at, sealed }) => retired_at !== null && sealed > 0)).toEqual([]);
    expect(data_keys.find(({ retired_at }) => retired_at === null)?.sealed).toBeGreaterThan(values.size + 8);
    const archive = await ask(server, {
      path: `/api/v1/workspaces/${workspace.workspace_id}/configurations/${await configurationId()}/archive`,
    });
    expect(archive.status).toBe(200);
  });

  const configurationId = async (): Promise<string> => {
    const { items } = await server.client.call('listConfigurations', {
      params: { workspace_id: workspace.workspace_id },
    });
    return items[0]?.id ?? '';
  };

  test('kill -9 at any point of a change of the master key loses nothing; the old one goes once nothing needs it', async () => {
    const homeFile = join(server.home, 'master.key');
    const [old] = readFileSync(homeFile, 'utf8').trim().split('\n');
    await killed(0, 'rewrap', '--new');
    await expectAllOpens();
    await keys('rewrap', '--forget-old');
    expect(readFileSync(homeFile, 'utf8')).not.toContain(old);
    const { master_keys } = await list();
    expect(master_keys).toMatchObject([{ at_hand: true, current: true }]);
    await expectAllOpens();
    // The server has not been started again, and uses what it was not told of.
    await write('after_the_change');
    await server.kill9();
    await server.restart();
    await write('after_the_start');
    await expectAllOpens();
  });

  test('a value that is moved to another row does not open there', async () => {
    const db = await openDatabase(server.home);
    const { rows } = await db.query<{ id: string; value_sealed: Buffer }>(
      'SELECT id, value_sealed FROM variables LIMIT 2',
    );
    const [one, two] = rows as [(typeof rows)[0], (typeof rows)[0]];
    await db.query('UPDATE variables SET value_sealed = $1 WHERE id = $2', [one.value_sealed, two.id]);
    await expect(expectAllOpens()).rejects.toThrow(`The sealed variable of ${two.id} does not open`);
    await db.query('UPDATE variables SET value_sealed = $1 WHERE id = $2', [two.value_sealed, two.id]);
    await db.end();
    await expectAllOpens();
  });
});
