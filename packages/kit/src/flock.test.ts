import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { isLocked, tryLockFile } from './flock.ts';

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'gc-kit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  path = join(folder, 'lock');
});

/** Another process that takes the lock and keeps it; resolves when it has it. */
async function startHolder(): Promise<ChildProcess> {
  const script = `
    import { tryLockFile } from '${new URL('./flock.ts', import.meta.url).href}';
    const lock = await tryLockFile(process.argv[1]);
    console.log(lock ? 'locked' : 'refused');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('locked\n');
  return child;
}

test('one at a time has the lock, also within a process', async () => {
  const lock = await tryLockFile(path);
  expect(lock).toBeDefined();
  expect(await tryLockFile(path)).toBeUndefined();
  expect(await isLocked(path)).toBe(true);
  lock?.release();
  lock?.release();
  expect(await isLocked(path)).toBe(false);
  (await tryLockFile(path))?.release();
});

test('of ten who want it at once, one gets it', async () => {
  const locks = await Promise.all(Array.from({ length: 10 }, () => tryLockFile(path)));
  expect(locks.filter(Boolean)).toHaveLength(1);
  for (const lock of locks) lock?.release();
});

test('a lock of another process is free the moment that process is killed', async () => {
  const holder = await startHolder();
  expect(await isLocked(path)).toBe(true);
  expect(await tryLockFile(path)).toBeUndefined();
  const waiting = tryLockFile(path, 20_000);
  holder.kill('SIGKILL');
  const lock = await waiting;
  expect(lock).toBeDefined();
  lock?.release();
});

test('waits no longer than told', async () => {
  const lock = await tryLockFile(path);
  const before = performance.now();
  expect(await tryLockFile(path, 100)).toBeUndefined();
  expect(performance.now() - before).toBeGreaterThanOrEqual(95);
  lock?.release();
});

test('a child that does not inherit the descriptor does not hold the lock', async () => {
  const lock = await tryLockFile(path);
  const child = spawn('sleep', ['1000']);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  lock?.release();
  expect(await isLocked(path)).toBe(false);
});

test('a child that inherits the descriptor holds the lock after us', async () => {
  const lock = await tryLockFile(path);
  const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', lock?.fd] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  lock?.release();
  expect(await isLocked(path)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await isLocked(path)).toBe(false);
});

test('a file that was replaced while we waited is not taken for the lock', async () => {
  const first = await tryLockFile(path);
  const waiting = tryLockFile(path, 20_000);
  writeFileSync(`${path}.new`, '');
  renameSync(`${path}.new`, path);
  first?.release();
  expect(await waiting).toBeUndefined();
});

test('nobody holds a file that is not there; a folder that is not there is an error', async () => {
  expect(await isLocked(path)).toBe(false);
  await expect(tryLockFile(join(path, 'below'))).rejects.toThrow('ENOENT');
});
