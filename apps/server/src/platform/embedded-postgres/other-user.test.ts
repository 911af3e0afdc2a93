import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createTemporaryFolder, type TemporaryFolder } from '@groundcrew/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startChild } from './child-for-tests.ts';
import { findEnginePackage } from './engine.ts';
import { readPostmasterFile } from './leftover.ts';
import { parsePasswd } from './run-as.ts';

const IS_ROOT = process.getuid?.() === 0;
const nobody = parsePasswd(readFileSync('/etc/passwd', 'utf8')).get('nobody');

let outer: TemporaryFolder;
beforeEach(() => {
  outer = createTemporaryFolder('user');
});
afterEach(() => outer.remove());

/** Lets others through to the folder. */
function openWay(): void {
  for (let path = outer.path; path.startsWith(tmpdir()) && path !== tmpdir(); path = dirname(path))
    chmodSync(path, 0o755);
}

function copyPackage(into: string): string {
  cpSync(findEnginePackage(), into, {
    recursive: true,
    filter: (path) => !lstatSync(path).isSymbolicLink() && !path.endsWith('.a'),
  });
  return into;
}

/** Below a folder that others may not enter, another user can run neither node nor this. */
const isOpenToOthers = (uid: number): boolean =>
  spawnSync('test', ['-x', process.execPath, '-a', '-r', import.meta.filename], { uid, cwd: '/' }).status === 0;

/** These need root, who alone can become another user. */
describe.runIf(IS_ROOT && process.platform === 'linux' && nobody !== undefined)('as another user', () => {
  const user = nobody!;
  const isOpen = IS_ROOT && isOpenToOthers(user.uid);

  test.runIf(isOpen)('an ordinary user runs it from a package that belongs to root and lacks its links', async () => {
    openWay();
    const packageFolder = copyPackage(join(outer.path, 'package'));
    const homeDir = join(outer.path, 'home');
    mkdirSync(homeDir, { mode: 0o700 });
    chownSync(homeDir, user.uid, user.gid);
    const child = startChild(homeDir, { packageFolder, ...user });
    await child.started;
    expect(readdirSync(join(homeDir, 'postgres')).some((name) => name.startsWith('engine-'))).toBe(true);
    expect(statSync(join(homeDir, 'postgres', 'data')).uid).toBe(user.uid);
    child.kill('SIGTERM');
    await child.exited;

    // Root, for once, leaves the data with its owner.
    const asRoot = startChild(homeDir, { packageFolder });
    await asRoot.started;
    const { pid } = (await readPostmasterFile(join(homeDir, 'postgres', 'data')))!;
    expect(statSync(`/proc/${pid}`).uid).toBe(user.uid);
    asRoot.kill('SIGTERM');
    await asRoot.exited;
  });

  test('root without user namespaces gives the data to another user', async () => {
    openWay();
    const path = join(outer.path, 'bin');
    mkdirSync(path);
    writeFileSync(
      join(path, 'unshare'),
      '#!/bin/sh\necho "unshare: unshare failed: Operation not permitted" >&2\nexit 1\n',
      { mode: 0o755 },
    );
    const homeDir = join(outer.path, 'home');
    const first = startChild(homeDir, { path });
    await first.started;
    expect(statSync(join(homeDir, 'postgres', 'data')).uid).not.toBe(0);
    // The home stays closed but for the way through.
    expect(statSync(homeDir).mode & 0o777).toBe(0o710);
    first.kill('SIGKILL');
    await first.exited;
    const second = startChild(homeDir, { path });
    await second.started;
    second.kill('SIGTERM');
    await second.exited;
  });

  test.runIf(isOpen)('a home that belongs to somebody else is named', async () => {
    openWay();
    const homeDir = join(outer.path, 'home');
    mkdirSync(homeDir, { mode: 0o700 });
    await expect(startChild(homeDir, user).started).rejects.toThrow(`Start it as the user who owns ${homeDir}`);
  });

  test('a folder that lets nobody through is named', async () => {
    const homeDir = join(outer.path, 'home');
    mkdirSync(join(homeDir, 'postgres', 'data'), { recursive: true });
    chownSync(join(homeDir, 'postgres', 'data'), user.uid, user.gid);
    await expect(startChild(homeDir).started).rejects.toThrow(`who cannot get to ${homeDir}/postgres`);
    rmSync(homeDir, { recursive: true });
  });
});
