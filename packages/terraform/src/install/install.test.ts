import { execFileSync, fork } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInstalled } from '../find/find-tools.ts';
import { temporaryFolder } from '../terraform-for-tests.ts';
import { findChecksum } from './checksums.ts';
import { InstallError } from './install-error.ts';
import { type InstallOptions, installTool } from './install-tool.ts';
import {
  checksumsOf,
  createRelease,
  createTestKey,
  fakeTool,
  PLATFORM,
  pathsOf,
  startMirror,
  zipOf,
} from './mirror-for-tests.ts';
import { releaseUrls } from './release-source.ts';
import { unzipBinary } from './unzip.ts';

const key = await createTestKey();
const release = await createRelease('terraform', '1.99.0', key);
const good = pathsOf('terraform', '1.99.0', release);
const ZIP = '/terraform/1.99.0/terraform_1.99.0_linux_amd64.zip';
const SUMS = '/terraform/1.99.0/terraform_1.99.0_SHA256SUMS';

const options = (baseUrl: string, extra: Partial<InstallOptions> = {}): InstallOptions => ({
  installDir: temporaryFolder(),
  baseUrl,
  keys: key.publicKey,
  platform: PLATFORM,
  attempts: 1,
  idleTimeoutMs: 5_000,
  ...extra,
});

async function failure(promise: Promise<unknown>): Promise<InstallError> {
  const error = await promise.then(
    () => undefined,
    (e) => e,
  );
  expect(error).toBeInstanceOf(InstallError);
  return error;
}

describe('installTool', () => {
  it('installs, checks, leaves nothing else behind, and does not download twice', async () => {
    const mirror = await startMirror(good);
    const wanted = options(mirror.url);
    const installed = await installTool('terraform', '1.99.0', wanted);
    expect(installed).toEqual({
      tool: 'terraform',
      version: '1.99.0',
      path: join(wanted.installDir, 'terraform', '1.99.0', 'terraform'),
    });
    expect(execFileSync(installed.path, ['version', '-json']).toString()).toContain('1.99.0');
    expect(statSync(installed.path).mode & 0o777).toBe(0o755);
    expect(readdirSync(join(wanted.installDir, 'terraform')).sort()).toEqual(['.1.99.0.lock', '1.99.0']);
    expect(readdirSync(join(wanted.installDir, 'terraform', '1.99.0'))).toEqual(['terraform']);
    expect(await installTool('terraform', '1.99.0', wanted)).toEqual(installed);
    expect(mirror.requests).toEqual([SUMS, `${SUMS}.sig`, ZIP]);
    expect(await findInstalled(wanted.installDir)).toEqual([installed]);
  });

  it('installs OpenTofu from its own paths, through a redirect', async () => {
    const tofu = pathsOf('tofu', '1.12.0', await createRelease('tofu', '1.12.0', key));
    const { url } = await startMirror(tofu, (request, response) => {
      if (!request.url?.startsWith('/moved')) return false;
      response.writeHead(302, { location: request.url.slice('/moved'.length) }).end();
      return true;
    });
    expect(await installTool('tofu', '1.12.0', options(`${url}/moved/`))).toMatchObject({
      tool: 'tofu',
      version: '1.12.0',
    });
  });

  it('lets one of two installers download', async () => {
    const mirror = await startMirror(good, (request, response) => {
      // Slow enough for the other to come in between.
      if (request.url === ZIP) setTimeout(() => response.writeHead(200).end(release.archive), 300);
      return request.url === ZIP;
    });
    const wanted = options(mirror.url);
    const [one, two] = await Promise.all([
      installTool('terraform', '1.99.0', wanted),
      installTool('terraform', '1.99.0', wanted),
    ]);
    expect(one).toEqual(two);
    expect(mirror.requests.filter((path) => path === ZIP)).toHaveLength(1);
  });

  it('goes on where a killed installer stopped', async () => {
    const mirror = await startMirror(good, (request, response) => {
      if (request.url !== ZIP || mirror.requests.filter((path) => path === ZIP).length > 1) return false;
      response.writeHead(200, { 'content-length': release.archive.length }).write(release.archive.subarray(0, 100));
      return true;
    });
    const wanted = options(mirror.url);
    const child = fork(join(import.meta.dirname, 'install-child-for-tests.ts'), [JSON.stringify(wanted)]);
    while (!mirror.requests.includes(ZIP)) await new Promise((resolve) => setTimeout(resolve, 10));
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    expect(readdirSync(join(wanted.installDir, 'terraform')).some((name) => name.endsWith('.new'))).toBe(true);
    expect(await findInstalled(wanted.installDir)).toEqual([]);
    await installTool('terraform', '1.99.0', wanted);
    expect(readdirSync(join(wanted.installDir, 'terraform')).sort()).toEqual(['.1.99.0.lock', '1.99.0']);
  });

  it('replaces a folder that somebody left without a program', async () => {
    const { url } = await startMirror(good);
    const wanted = options(url);
    mkdirSync(join(wanted.installDir, 'terraform', '1.99.0'), { recursive: true });
    writeFileSync(join(wanted.installDir, 'terraform', '1.99.0', 'junk'), '');
    await installTool('terraform', '1.99.0', wanted);
    expect(readdirSync(join(wanted.installDir, 'terraform', '1.99.0'))).toEqual(['terraform']);
  });

  it('tries again when the mirror stumbles', async () => {
    let stumbles = 0;
    const { url } = await startMirror(good, (_request, response) => {
      stumbles += 1;
      if (stumbles === 1) response.writeHead(503).end();
      if (stumbles === 3) response.destroy();
      return stumbles === 1 || stumbles === 3;
    });
    await installTool('terraform', '1.99.0', options(url, { attempts: 3 }));
    expect(stumbles).toBe(5);
  });
});

describe('installTool refuses', () => {
  const cases: [name: string, files: () => Promise<Record<string, Buffer>>, failure: string, words: RegExp][] = [
    [
      'a wrong checksum',
      async () => ({ ...good, [ZIP]: Buffer.concat([release.archive, Buffer.from('x')]) }),
      'bad_checksum',
      /has the SHA-256 [0-9a-f]{64}, but the release says/,
    ],
    [
      'a truncated archive',
      async () => ({ ...good, [ZIP]: release.archive.subarray(0, 100) }),
      'bad_checksum',
      /check the mirror/,
    ],
    [
      'checksums changed after signing',
      async () => ({ ...good, [SUMS]: Buffer.from(release.checksums.replace('0', '1')) }),
      'bad_signature',
      /signature of .*SHA256SUMS is not good/,
    ],
    [
      'a signature by another key',
      async () => ({
        ...good,
        [`${SUMS}.sig`]: Buffer.from(await (await createTestKey()).sign(Buffer.from(release.checksums))),
      }),
      'bad_signature',
      /Could not find signing key/,
    ],
    [
      'a signature that is none',
      async () => ({ ...good, [`${SUMS}.sig`]: Buffer.from('nonsense') }),
      'bad_signature',
      /is not good/,
    ],
    ['an empty signature', async () => ({ ...good, [`${SUMS}.sig`]: Buffer.alloc(0) }), 'bad_signature', /is not good/],
    [
      'no signature',
      async () => ({ [SUMS]: good[SUMS]!, [ZIP]: good[ZIP]! }),
      'not_offered',
      /SHA256SUMS\.sig does not exist \(HTTP 404\)/,
    ],
    [
      'an unknown version',
      async () => ({}),
      'not_offered',
      /SHA256SUMS does not exist \(HTTP 404\); check the version/,
    ],
    [
      'a release without this platform',
      async () => signed(release.archive, (sums) => sums.replaceAll('linux_amd64', 'linux_riscv')),
      'not_offered',
      /has no terraform_1\.99\.0_linux_amd64\.zip/,
    ],
    ['a signed archive that is cut', async () => signed(release.archive.subarray(0, 200)), 'bad_archive', /is damaged/],
    [
      'an archive without the program',
      async () => signed(zipOf({ other: 'x' })),
      'bad_archive',
      /holds no file "terraform"/,
    ],
    [
      'an archive of another version',
      async () => signed(zipOf({ terraform: fakeTool('1.98.0') })),
      'bad_archive',
      /holds version 1\.98\.0/,
    ],
    [
      'a program that says nonsense',
      async () => signed(zipOf({ terraform: fakeTool('', 'hello') })),
      'not_runnable',
      /names no version/,
    ],
    [
      'a program for another machine',
      async () => signed(zipOf({ terraform: '\u007fELFnot really' })),
      'not_runnable',
      /does not run here/,
    ],
  ];
  const signed = async (archive: Buffer, change = (sums: string) => sums) => {
    const checksums = change(checksumsOf('terraform', '1.99.0', archive));
    return pathsOf('terraform', '1.99.0', { archive, checksums, signature: await key.sign(Buffer.from(checksums)) });
  };

  it.each(cases)('%s', async (_name, files, kind, words) => {
    const wanted = options((await startMirror(await files())).url);
    const error = await failure(installTool('terraform', '1.99.0', wanted));
    expect([error.failure, error.passing]).toEqual([kind, false]);
    expect(error.message).toMatch(words);
    expect(await findInstalled(wanted.installDir)).toEqual([]);
    expect(readdirSync(join(wanted.installDir, 'terraform'))).toEqual(['.1.99.0.lock']);
  });

  it('a hanging mirror, with what was asked and for how long', async () => {
    const { url } = await startMirror(good, () => true);
    const error = await failure(installTool('terraform', '1.99.0', options(url, { idleTimeoutMs: 100 })));
    expect(error).toMatchObject({ failure: 'unreachable', passing: true });
    expect(error.message).toContain('nothing came for 0.1 s');
  });

  it('a mirror that hangs in the middle of the archive', async () => {
    const { url } = await startMirror(good, (request, response) => {
      if (request.url === ZIP) response.writeHead(200, { 'content-length': 1_000 }).write('x');
      return request.url === ZIP;
    });
    const error = await failure(installTool('terraform', '1.99.0', options(url, { idleTimeoutMs: 100 })));
    expect(error).toMatchObject({ failure: 'unreachable', passing: true });
  });

  it('to wait longer than it may, and stops when told', async () => {
    const { url } = await startMirror(good, () => true);
    expect(await failure(installTool('terraform', '1.99.0', options(url, { timeoutMs: 200 })))).toMatchObject({
      failure: 'busy',
      passing: true,
    });
    const reason = new Error('shutting down');
    await expect(installTool('terraform', '1.99.0', options(url, { signal: AbortSignal.abort(reason) }))).rejects.toBe(
      reason,
    );
  });

  it('a mirror that is not there, endless redirects and endless files', async () => {
    expect(await failure(installTool('terraform', '1.99.0', options('http://127.0.0.1:1')))).toMatchObject({
      failure: 'unreachable',
    });
    const { url } = await startMirror(good, (request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    });
    expect((await failure(installTool('terraform', '1.99.0', options(url)))).message).toContain('answered HTTP 302');
    const endless = await startMirror({ ...good, [SUMS]: Buffer.alloc(2 << 20) });
    expect((await failure(installTool('terraform', '1.99.0', options(endless.url)))).message).toContain(
      'larger than 1048576 bytes',
    );
  });

  it('no key, a broken key, a half version and plain http', async () => {
    const { url } = await startMirror(good);
    expect(await failure(installTool('terraform', '1.99.0', options(url, { keys: ' ' })))).toMatchObject({
      failure: 'missing_key',
    });
    const broken = key.publicKey.replace(/\n[^\n]{20}/, '\n');
    expect(await failure(installTool('terraform', '1.99.0', options(url, { keys: broken })))).toMatchObject({
      failure: 'missing_key',
    });
    for (const version of ['latest', '1.9', '~> 1.9', '../../etc', '1.2.3/../..']) {
      expect((await failure(installTool('terraform', version, options(url)))).message).toContain('is no version');
    }
    for (const base of [
      'http://mirror.example',
      'ftp://127.0.0.1',
      'https://u:p@mirror.example',
      'nonsense',
      'https://m.example/?x',
    ]) {
      expect(() => releaseUrls('terraform', '1.9.8', PLATFORM, base)).toThrow("Correct the mirror's URL");
    }
  });

  it('to follow a redirect to plain http elsewhere', async () => {
    const { url } = await startMirror(good, (_request, response) => {
      response.writeHead(302, { location: 'http://mirror.example/' }).end();
      return true;
    });
    expect((await failure(installTool('terraform', '1.99.0', options(url)))).failure).toBe('misconfigured');
  });

  it('to write where it may not', async () => {
    const { url } = await startMirror(good);
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(installTool('terraform', '1.99.0', options(url, { installDir: file }))).rejects.toThrow();
  });
});

describe('release parts', () => {
  it('lie where the publishers have them', () => {
    expect(releaseUrls('terraform', '1.9.8', PLATFORM, 'https://releases.hashicorp.com/')).toEqual({
      archive: 'terraform_1.9.8_linux_amd64.zip',
      archiveUrl: 'https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_linux_amd64.zip',
      checksumsUrl: 'https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_SHA256SUMS',
      signatureUrl: 'https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_SHA256SUMS.sig',
    });
    expect(releaseUrls('tofu', '1.8.5', PLATFORM, 'https://m.example/dl').signatureUrl).toBe(
      'https://m.example/dl/v1.8.5/tofu_1.8.5_SHA256SUMS.gpgsig',
    );
  });

  it('find a checksum by its whole name', () => {
    const sums = readFileSync(join(import.meta.dirname, 'fixtures/terraform_1.9.8_SHA256SUMS'), 'utf8');
    expect(findChecksum(sums, 'terraform_1.9.8_linux_arm.zip')).toBe(
      'cb6db8471e361bb9ad6bbd43d9c780d37208e6dbe416900fdc8999af9e459b77',
    );
    expect(() => findChecksum(sums, 'terraform_1.9.8_linux')).toThrow('is not made for this platform');
  });

  it('unzip no links, nothing huge and nothing twice', async () => {
    const dir = temporaryFolder();
    symlinkSync('/etc/passwd', join(dir, 'terraform'));
    execFileSync('zip', ['-q', '--symlinks', 'link.zip', 'terraform'], { cwd: dir });
    await expect(unzipBinary(join(dir, 'link.zip'), 'terraform', join(dir, 'out'))).rejects.toThrow('no regular file');
    writeFileSync(join(dir, 'big.zip'), zipOf({ terraform: 'x'.repeat(10_000) }));
    await expect(
      unzipBinary(join(dir, 'big.zip'), 'terraform', join(dir, 'out'), { entries: 10, bytes: 9_999 }),
    ).rejects.toThrow('has 10000 bytes');
    writeFileSync(join(dir, 'many.zip'), zipOf({ a: '', b: '', c: '' }));
    await expect(unzipBinary(join(dir, 'many.zip'), 'a', join(dir, 'out'), { entries: 2, bytes: 10 })).rejects.toThrow(
      'holds 3 files',
    );
    writeFileSync(join(dir, 'out'), '');
    await expect(unzipBinary(join(dir, 'many.zip'), 'a', join(dir, 'out'))).rejects.toThrow('EEXIST');
  });
});
