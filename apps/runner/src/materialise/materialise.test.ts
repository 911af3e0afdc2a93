import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ARCHIVE_LIMITS, TaskData } from '@groundcrew/protocol';
import { ConfigurationMistake } from '@groundcrew/terraform';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attemptFolder, createFolders } from '../folder/index.ts';
import { materialise } from './materialise.ts';
import { unpackArchive } from './unpack-archive.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gc-runner-unpack-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

type EntryOf = Partial<Header> & Pick<Header, 'name'>;

async function archiveOf(entries: [EntryOf, string?][]): Promise<Buffer> {
  const tar = pack();
  for (const [header, content] of entries) {
    tar.entry(header, content ?? '');
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
/** As a whole and as a stream, into the same folder: the second time must not differ. */
async function unpack(archive: Buffer): Promise<void> {
  await unpackArchive(archive, root);
  await unpackArchive(Readable.from([archive]), root);
}

describe('unpackArchive', () => {
  it('unpacks files and folders for our user only, scripts executable', async () => {
    await unpack(
      await archiveOf([
        [{ name: './', type: 'directory' }],
        [{ name: './modules/a', type: 'directory' }],
        [{ name: './modules/a/main.tf', mode: 0o666 }, 'a'],
        [{ name: 'deep/er/x.sh', mode: 0o755 }, '#!/bin/sh'],
        [{ name: '.terraform.lock.hcl' }, 'lock'],
        [{ name: 'empty.tf' }, ''],
      ]),
    );
    expect((await readdir(root, { recursive: true })).sort()).toEqual([
      '.terraform.lock.hcl',
      'deep',
      'deep/er',
      'deep/er/x.sh',
      'empty.tf',
      'modules',
      'modules/a',
      'modules/a/main.tf',
    ]);
    expect(statSync(join(root, 'modules/a/main.tf')).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, 'deep/er/x.sh')).mode & 0o777).toBe(0o700);
  });

  it('leaves out what was planted', async () => {
    const planted = [
      '.terraform/terraform.tfstate',
      'terraform.tfstate',
      'a/x.tfstate.backup',
      'errored.tfstate',
      '.terraformrc',
      'terraform.tfstate.d/prod/x',
      '.terraform/environment',
    ];
    await unpack(
      await archiveOf([...planted.map((name): [EntryOf, string] => [{ name }, 'planted']), [{ name: 'main.tf' }, 'x']]),
    );
    expect(await readdir(root)).toEqual(['main.tf']);
  });

  it.each<[string, EntryOf]>([
    ['..', { name: 'a/../../evil' }],
    ['an absolute path', { name: '/etc/evil' }],
    ['symlink', { name: 'link.tf', type: 'symlink', linkname: '/etc/passwd' }],
    ['link', { name: 'hard.tf', type: 'link', linkname: 'main.tf' }],
    ['fifo', { name: 'x.tf', type: 'fifo' }],
    ['character-device', { name: 'zero.tf', type: 'character-device', devmajor: 1, devminor: 5 }],
    ['block-device', { name: 'disk.tf', type: 'block-device' }],
  ])('refuses %s with a sentence that names it', async (what, header) => {
    const archive = await archiveOf([[{ name: 'main.tf' }, 'x'], [header]]);
    const error = await unpack(archive).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationMistake);
    expect((error as Error).message).toContain(header.name);
    expect((error as Error).message).toContain(what);
  });

  it('refuses too large a file by its header, before writing it', async () => {
    const tar = pack();
    tar.entry({ name: 'big.bin', size: ARCHIVE_LIMITS.maxFileBytes + 1 });
    const [head] = (await once(tar as unknown as NodeJS.EventEmitter, 'data')) as [Buffer];
    await expect(unpack(gzipSync(head))).rejects.toThrow(/big\.bin.* may have/);
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses too many entries', async () => {
    const entries = Array.from({ length: ARCHIVE_LIMITS.maxEntries + 1 }, (): [EntryOf] => [
      { name: 'd', type: 'directory' },
    ]);
    await expect(unpack(await archiveOf(entries))).rejects.toThrow(/more than \d+ entries/);
  });

  it('stops at a bomb of endless padding', async () => {
    const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const bomb = Readable.from(
      (function* () {
        for (let i = 0; i < 5; i += 1) yield zeros;
      })(),
    );
    await expect(unpackArchive(bomb, root)).rejects.toThrow(/more than \d+ bytes unpacked/);
  });

  it.each([
    ['cut off', async () => (await archiveOf([[{ name: 'main.tf' }, 'x'.repeat(100_000)]])).subarray(0, 60)],
    ['no gzip', async () => Buffer.from('hello')],
    ['no tar', async () => gzipSync(Buffer.from('x'.repeat(2048)))],
    ['empty', async () => Buffer.alloc(0)],
  ])('says that an archive is damaged: %s', async (_, archive) => {
    await expect(unpack(await archive())).rejects.toThrow(/The archive is damaged/);
  });

  it('says that a file and a folder clash', async () => {
    await expect(
      unpack(
        await archiveOf([
          [{ name: 'a' }, 'x'],
          [{ name: 'a/b' }, 'y'],
        ]),
      ),
    ).rejects.toThrow(/file and a folder of the same name/);
  });
});

const id = (prefix: string) => `${prefix}-${'a'.repeat(20)}`;
const taskData = (
  changes: Partial<TaskData['workspace']> = {},
  rest: Partial<Pick<TaskData, 'resources' | 'variables' | 'configuration'>> = {},
) =>
  TaskData.parse({
    task: {
      id: id('task'),
      workspace_id: id('ws'),
      task_type: 'plan',
      action: 'plan',
      context: {},
      created_at: '2026-01-01T00:00:00.000Z',
      destroy: false,
      refresh_only: false,
      targets: [],
      replace: [],
      parallelism: null,
    },
    workspace: {
      workspace_id: id('ws'),
      name: 'w',
      terraform_version: null,
      tool: 'terraform',
      execution_mode: 'agent',
      provider_config: null,
      tf_code: null,
      system_variables: {},
      working_directory: '',
      ...changes,
    },
    resources: [],
    variables: [],
    state_version: null,
    configuration: null,
    plan_file: null,
    attempt: {
      id: id('att'),
      number: 1,
      epoch: 1,
      action: 'plan',
      plan_timeout_seconds: 60,
      apply_timeout_seconds: 60,
      cancel_level: 0,
    },
    ...rest,
  });

describe('materialise', () => {
  const folder = () => attemptFolder(root);

  it('puts code, fragments, variables and the override into the working folder', async () => {
    await createFolders(folder());
    const archive = await archiveOf([
      [{ name: 'env/main.tf' }, 'terraform {\n  backend "s3" {}\n}\nvariable "a" {}\n'],
    ]);
    const data = taskData(
      { working_directory: 'env', tf_code: '{"locals": {"x": 1}}', provider_config: { aws: { region: 'eu' } } },
      {
        configuration: { configuration_id: id('cv') as never, source: 'archive', checksum: '0'.repeat(64), size: 1 },
        resources: [
          { resource_id: id('res') as never, name: 'dns', type: 'fragment', version: 2, tf_code: 'locals { y = 2 }' },
        ],
        variables: [
          { key: 'a', value: 's3cret', category: 'terraform', hcl: false, sensitive: true },
          { key: 'not_declared', value: 'x', category: 'terraform', hcl: false, sensitive: false },
          { key: 'ENV', value: 'x', category: 'env', hcl: false, sensitive: false },
        ],
      },
    );
    const { cwd, notes } = await materialise(folder(), data, Readable.from([archive]));
    expect(cwd).toBe(join(root, 'work', 'env'));
    expect(notes).toEqual([
      'Groundcrew keeps the state of this workspace, so the back end "s3" in main.tf is not used.',
    ]);
    const names = await readdir(cwd);
    expect(names.sort()).toEqual([
      'groundcrew_providers.tf.json',
      'groundcrew_resource_dns.tf',
      'groundcrew_workspace.tf.json',
      'main.tf',
      'zzzz_groundcrew.auto.tfvars.json',
      'zzzz_groundcrew_override.tf.json',
    ]);
    expect(JSON.parse(await readFile(join(cwd, 'groundcrew_providers.tf.json'), 'utf8'))).toEqual({
      provider: { aws: { region: 'eu' } },
    });
    expect(JSON.parse(await readFile(join(cwd, 'zzzz_groundcrew.auto.tfvars.json'), 'utf8'))).toEqual({ a: 's3cret' });
    expect(statSync(join(cwd, 'zzzz_groundcrew.auto.tfvars.json')).mode & 0o777).toBe(0o600);
  });

  it('starts from an empty folder each time', async () => {
    await createFolders(folder());
    await writeFile(join(root, 'work', 'left-over.tf'), 'x');
    const { cwd } = await materialise(folder(), taskData({ tf_code: 'locals {}' }), undefined);
    expect((await readdir(cwd)).sort()).toEqual(['groundcrew_workspace.tf', 'zzzz_groundcrew_override.tf.json']);
  });

  it('refuses a working directory that is not there, and an override of its own', async () => {
    await createFolders(folder());
    const configuration = {
      configuration_id: id('cv') as never,
      source: 'archive' as const,
      checksum: '0'.repeat(64),
      size: 1,
    };
    const archive = await archiveOf([[{ name: 'zzz_override.tf' }, 'terraform {\n  backend "local" {}\n}\n']]);
    await expect(
      materialise(folder(), taskData({ working_directory: 'nope' }, { configuration }), Readable.from([archive])),
    ).rejects.toThrow(/no folder "nope".*working_directory/);
    await expect(materialise(folder(), taskData({}, { configuration }), Readable.from([archive]))).rejects.toThrow(
      /zzz_override\.tf/,
    );
  });
});
