import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createLogger, systemClock } from '@groundcrew/kit';
import { createTemporaryFolder, waitFor } from '@groundcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { factsWith } from './facts-for-tests.ts';
import { presentState } from './present.ts';
import { createStateFile } from './state-file.ts';

function setUp(instance = 3) {
  const folder = createTemporaryFolder('state');
  const leaving = new AbortController();
  onTestFinished(() => {
    leaving.abort();
    folder.remove();
  });
  const path = join(folder.path, 'run', 'agent.json');
  const lines: string[] = [];
  let now = 1_060_000;
  const file = createStateFile({
    path,
    state: () => presentState(factsWith({ instance, now })),
    clock: systemClock,
    logger: createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } }),
    signal: leaving.signal,
  });
  const read = () => JSON.parse(readFileSync(path, 'utf8'));
  const setNow = (value: number): void => {
    now = value;
  };
  return { folder: folder.path, path, file, lines, read, setNow };
}

test('is written at once and at every change, whole, and nothing is left beside it', async () => {
  const { path, file, read, setNow } = setUp();
  void file.keepWriting();
  expect(read()).toMatchObject({ pid: 4711, agent_id: 'host-1', status: 'online', configuration: { revision: 2 } });
  expect(statSync(path).mode & 0o777).toBe(0o644);
  setNow(2_000_000);
  for (let n = 0; n < 5; n += 1) file.nudge();
  await waitFor('the change', () => read().updated_at === new Date(2_000_000).toISOString() || undefined);
  expect(readdirSync(join(path, '..'))).toEqual(['agent.json']);
});

test('what killed agents left beside it goes with the next start', () => {
  const { path, file } = setUp();
  const beside = (name: string): string => join(path, '..', name);
  mkdirSync(beside('.'));
  for (const name of ['.agent.json.17.new', '.agent.json.18.new', '.agent.json.bak']) writeFileSync(beside(name), '{');
  const longAgo = new Date(Date.now() - 60_000);
  for (const name of ['.agent.json.17.new', '.agent.json.bak']) utimesSync(beside(name), longAgo, longAgo);
  void file.keepWriting();
  expect(readdirSync(beside('.')).toSorted()).toEqual(['.agent.json.18.new', '.agent.json.bak', 'agent.json']);
});

test('while a newer instance of the same agent writes it, it is that one’s', () => {
  const { path, file, read } = setUp(3);
  mkdirSync(join(path, '..'));
  const theirs = { ...presentState(factsWith({ instance: 4 })), pid: 9 };
  writeFileSync(path, JSON.stringify(theirs));
  file.write();
  expect(read().pid).toBe(9);
  for (const other of [{ ...theirs, instance: 2 }, { ...theirs, agent_id: 'another' }, 'garbage']) {
    writeFileSync(path, JSON.stringify(other));
    file.write();
    expect(read().pid).toBe(4711);
  }
});

test('a newer instance that has not written for a while is gone, and its file is taken over', () => {
  const { path, file, read, setNow } = setUp(1);
  mkdirSync(join(path, '..'));
  // From before the work folder, which counts the instances, was made anew.
  writeFileSync(path, JSON.stringify({ ...presentState(factsWith({ instance: 7, now: 1_060_000 })), pid: 9 }));
  setNow(1_085_000);
  file.write();
  expect(read().pid).toBe(9);
  setNow(1_090_000);
  file.write();
  expect(read()).toMatchObject({ pid: 4711, instance: 1 });
});

test('what cannot be written is told once and tried again', () => {
  const { folder, file, lines, read } = setUp();
  symlinkSync('/nowhere/at/all', join(folder, 'run'));
  file.write();
  file.write();
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['the state file could not be written']);
  rmSync(join(folder, 'run'));
  file.write();
  expect(read().pid).toBe(4711);
  expect(JSON.parse(lines.at(-1) ?? '').msg).toBe('the state file is written again');
  expect(existsSync('/nowhere')).toBe(false);
});

test('on a full disk the last whole one stays, nothing is left beside it, and it is written again when there is room', (test) => {
  const { folder, path, file, lines, read, setNow } = setUp();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder], { stdio: 'pipe' });
  } catch {
    return test.skip('a small disk can be mounted by root alone');
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  file.write();
  const before = read();
  const filler = join(folder, 'filler');
  expect(() => writeFileSync(filler, Buffer.alloc(100_000))).toThrow('ENOSPC');
  setNow(2_000_000);
  file.write();
  file.write();
  expect(read()).toEqual(before);
  expect(readdirSync(join(path, '..'))).toEqual(['agent.json']);
  rmSync(filler);
  file.write();
  expect(read().updated_at).toBe(new Date(2_000_000).toISOString());
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'the state file could not be written',
    'the state file is written again',
  ]);
});
