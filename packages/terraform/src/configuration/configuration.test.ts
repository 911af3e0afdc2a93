import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderWith, SKIP_TERRAFORM, startStateServer, succeed } from '../terraform-for-tests.ts';
import { assertHttpBackend, describeReplacedBackend, writeBackendOverride } from './backend-override.ts';
import { lastName, listConfigFiles } from './config-files.ts';
import { findBackendOverrides, findOwnBackend } from './own-backend.ts';
import { findUndeclaredVariables } from './undeclared-variables.ts';

describe('config files', () => {
  it('are told apart as Terraform does', async () => {
    const dir = folderWith({
      'main.tf': '',
      'b.tf.json': '{}',
      'override.tf': '',
      'x_override.tofu.json': '',
      'a.tfvars': '',
      '.hidden.tf': '',
      'back.tf~': '',
      '#a.tf#': '',
      'notoverride.tf': '',
    });
    mkdirSync(join(dir, 'dir.tf'));
    expect(await listConfigFiles(dir)).toEqual([
      { name: 'b.tf.json', syntax: 'json', override: false },
      { name: 'main.tf', syntax: 'native', override: false },
      { name: 'notoverride.tf', syntax: 'native', override: false },
      { name: 'override.tf', syntax: 'native', override: true },
      { name: 'x_override.tofu.json', syntax: 'json', override: true },
    ]);
  });

  it('refuse a name that is not UTF-8', async () => {
    const dir = folderWith({});
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/x`), Buffer.from([0xff]), Buffer.from('_override.tf')]), '');
    await expect(listConfigFiles(dir)).rejects.toThrow('not UTF-8');
  });

  it.each([
    [[]],
    [['a_override.tf']],
    [['zzzz_override.tf.json', 'zzzz_groundcrew_override.tofu.json']],
    [['~_override.tf']],
    [['é_override.tf', '\u{10ffff}_override.tf.json']],
    [['zzzz_groundcrew_override.tf.json']],
  ])('of ours come after %j', (others) => {
    const name = lastName(others, 'zzzz_groundcrew_override', '.tf.json');
    expect(name).toMatch(/_override\.tf\.json$/);
    for (const other of others) expect(Buffer.compare(Buffer.from(name), Buffer.from(other))).toBe(1);
  });
});

describe('own back ends', () => {
  it.each([
    ['main.tf', 'terraform {\n backend "s3" {\n }\n}', { kind: 'backend', type: 's3' }],
    ['main.tf', 'terraform {\n cloud {\n }\n}', { kind: 'cloud', type: undefined }],
    ['main.tofu', 'terraform {\n backend local {\n }\n}', { kind: 'backend', type: 'local' }],
    ['a.tf.json', '{"terraform":{"backend":{"gcs":{}}}}', { kind: 'backend', type: 'gcs' }],
    ['a.tf.json', '\ufeff[{"terraform":[[{"backend":[{"gcs":{}}]}]]}]', { kind: 'backend', type: 'gcs' }],
    ['a.tf.json', '{"terraform":{"cloud":{}},"terraform":{}}', { kind: 'cloud', type: undefined }],
    ['a.tf.json', '{"terraf\\u006frm":{"\\u0062ackend":{"x":{}}}}', { kind: 'backend', type: 'x' }],
    ['a.tf.json', '{"terraform":{"backend":null}}', undefined],
    ['a.tf.json', '{"//":"terraform backend"', undefined],
    ['main.tf', '# terraform { backend "s3" {}}\nlocals { cloud = "backend" }', undefined],
  ])('%s %s', async (file, contents, expected) => {
    expect(await findOwnBackend(folderWith({ [file]: contents }))).toEqual(expected && { file, ...expected });
    const override = file.replace('.', '_override.');
    expect(await findBackendOverrides(folderWith({ [override]: contents }))).toEqual(
      expected ? [{ file: override, ...expected }] : [],
    );
  });
});

describe('writeBackendOverride', () => {
  it('tells what it replaces, may be repeated, and is private', async () => {
    const dir = folderWith({ 'main.tf': 'terraform {\n backend "s3" {\n }\n}', 'z_override.tf': 'locals {}' });
    const written = await writeBackendOverride(dir);
    expect(written).toEqual({
      file: 'zzzz_groundcrew_override.tf.json',
      replaced: { file: 'main.tf', kind: 'backend', type: 's3' },
    });
    expect(await writeBackendOverride(dir)).toEqual(written);
    expect(JSON.parse(readFileSync(join(dir, written.file), 'utf8'))).toEqual({ terraform: { backend: { http: {} } } });
    expect(statSync(join(dir, written.file)).mode & 0o777).toBe(0o600);
    expect(describeReplacedBackend({ file: 'main.tf', kind: 'backend', type: 's3' })).toBe(
      'Groundcrew keeps the state of this workspace, so the back end "s3" in main.tf is not used.',
    );
  });

  it.each([
    { 'zzz_override.tf.json': '{"terraform":{"backend":{"local":{}}}}' },
    { 'override.tf': 'terraform {\n cloud {}\n}' },
    { 'zzzz_groundcrew_override.tf.json': '{"terraform":{"backend":{"local":{"path":"x"}}}}' },
  ])('refuses a rival %j', async (files) => {
    await expect(writeBackendOverride(folderWith(files))).rejects.toThrow(
      new RegExp(`${Object.keys(files)[0]} of the configuration sets .*remove it`),
    );
  });
});

describe.skipIf(SKIP_TERRAFORM)('with real Terraform', () => {
  it.each([
    ['no back end', { 'main.tf': 'output "a" {\n value = 1\n}\n' }],
    ['a local back end', { 'main.tf': 'terraform {\n backend "local" {\n path = "x.tfstate"\n }\n}\n' }],
    [
      'a cloud block',
      { 'main.tf': 'terraform {\n cloud {\n organization = "o"\n workspaces {\n name = "w"\n }\n }\n}\n' },
    ],
    [
      'an s3 back end with settings',
      { 'main.tf.json': '{"terraform":{"backend":{"s3":{"bucket":"b","key":"k","region":"r"}}}}' },
    ],
    [
      'a late override of something else',
      { 'main.tf': 'locals {\n a = 1\n}\n', '~_override.tf': 'locals {\n a = 2\n}\n' },
    ],
  ])('the state goes to the http back end in spite of %s', async (_name, files) => {
    const dir = folderWith(files as unknown as Record<string, string>);
    await writeBackendOverride(dir);
    await succeed(dir, ['init', '-input=false', '-reconfigure'], await startStateServer());
    await assertHttpBackend(dir);
  });

  it('a back end that got through is found out', async () => {
    const dir = folderWith({ 'main.tf': 'terraform {\n backend "local" {\n }\n}\n' });
    await succeed(dir, ['init', '-input=false']);
    await expect(assertHttpBackend(dir)).rejects.toThrow('a "local" back end instead of Groundcrew');
    await expect(assertHttpBackend(folderWith({}))).rejects.toThrow('a local file instead');
    const address = (await startStateServer()).TF_HTTP_ADDRESS;
    const own = folderWith({ 'main.tf': `terraform {\n backend "http" {\n address = "${address}"\n }\n}\n` });
    await succeed(own, ['init', '-input=false']);
    await expect(assertHttpBackend(own)).rejects.toThrow('has its own "address"');
  });
});

describe('findUndeclaredVariables', () => {
  it('leaves out only what is written nowhere', async () => {
    const dir = folderWith({ 'main.tf': 'variable "region" {}\n# zone\n' });
    expect(await findUndeclaredVariables(dir, ['region', 'zone', 'size'])).toEqual(['size']);
    writeFileSync(join(dir, 'v.tf.json'), '{"variable":{"s\\u0069ze":{}}}');
    expect(await findUndeclaredVariables(dir, ['region', 'zone', 'size'])).toEqual([]);
  });
});
