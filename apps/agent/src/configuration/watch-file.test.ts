import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createTemporaryFolder, waitFor } from '@groundcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { fingerprint, watchFile } from './watch-file.ts';

function setUp(options: { settleMs?: number; lookEveryMs?: number } = {}) {
  const folder = createTemporaryFolder('watch');
  const leaving = new AbortController();
  const path = join(folder.path, 'agent.yaml');
  writeFileSync(path, 'one');
  let calls = 0;
  const count = () => {
    calls += 1;
  };
  const watching = () =>
    watchFile(path, count, { signal: leaving.signal, settleMs: 40, lookEveryMs: 60_000, ...options });
  onTestFinished(() => {
    leaving.abort();
    folder.remove();
  });
  return { folder: folder.path, path, watching, leaving, calls: () => calls };
}
const changed = (calls: () => number, times: number) => waitFor(`${times} calls`, () => calls() >= times || undefined);
/** Longer than anything that is still settling. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 150));

test('a file replaced by rename, as editors do, and one written over', async () => {
  const { folder, path, watching, calls } = setUp();
  void watching();
  writeFileSync(join(folder, 'new'), 'two');
  renameSync(join(folder, 'new'), path);
  await changed(calls, 1);
  renameSync(path, `${path}~`);
  writeFileSync(path, 'three');
  await changed(calls, 2);
  writeFileSync(path, 'four!');
  await changed(calls, 3);
});

test('a file written in steps is told of once, when it is written', async () => {
  const { path, watching, calls } = setUp({ settleMs: 200 });
  void watching();
  for (let n = 0; n < 10; n += 1) {
    appendFileSync(path, 'more ');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(calls()).toBe(0);
  await changed(calls, 1);
  await settled();
  expect(calls()).toBe(1);
});

test('a mounted secret, whose folder is swapped behind a link', async () => {
  const { folder, watching, calls, path } = setUp();
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'agent.yaml'), version);
  }
  unlinkSync(path);
  symlinkSync('v1', join(folder, '..data'));
  symlinkSync('..data/agent.yaml', path);
  void watching();
  symlinkSync('v2', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await changed(calls, 1);
});

test('where nobody tells of changes, looking from time to time finds them', async () => {
  const { folder, path, leaving, calls } = setUp();
  const elsewhere = join(folder, 'real');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'agent.yaml'), 'one');
  unlinkSync(path);
  symlinkSync(join(elsewhere, 'agent.yaml'), path);
  let seen = 0;
  const see = () => {
    seen += 1;
  };
  void watchFile(path, see, { signal: leaving.signal, settleMs: 20, lookEveryMs: 50 });
  writeFileSync(join(elsewhere, 'agent.yaml'), 'another');
  await waitFor('it to be found', () => seen > 0 || undefined);
  expect(calls()).toBe(0);
});

test('a file that goes away is told of, and again when it comes back; other files are not', async () => {
  const { folder, path, watching, calls } = setUp();
  void watching();
  writeFileSync(join(folder, 'other'), 'x');
  await settled();
  expect(calls()).toBe(0);
  rmSync(path);
  await changed(calls, 1);
  writeFileSync(path, 'back');
  await changed(calls, 2);
});

test('ends when told to', async () => {
  const { watching, leaving } = setUp();
  const done = watching();
  leaving.abort();
  await done;
});

test('what changed between the reading and the watching is told of, without anybody else touching the folder', async () => {
  const { path, leaving } = setUp();
  const known = fingerprint(path);
  writeFileSync(path, 'changed meanwhile');
  let calls = 0;
  const count = () => {
    calls += 1;
  };
  void watchFile(path, count, { signal: leaving.signal, settleMs: 20, lookEveryMs: 60_000, known });
  await changed(() => calls, 1);
});

test('a whole folder swapped behind a link, and one that goes away and comes back, are found by looking', async () => {
  const { folder, leaving } = setUp();
  const [etc, path] = [join(folder, 'etc'), join(folder, 'etc', 'agent.yaml')];
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'agent.yaml'), version);
  }
  symlinkSync('v1', etc);
  const seen: string[] = [];
  const see = () => void seen.push(existsSync(path) ? readFileSync(path, 'utf8') : 'gone');
  void watchFile(path, see, { signal: leaving.signal, settleMs: 20, lookEveryMs: 50 });
  symlinkSync('v2', `${etc}.new`);
  renameSync(`${etc}.new`, etc);
  await changed(() => seen.length, 1);
  rmSync(join(folder, 'v2'), { recursive: true });
  await changed(() => seen.length, 2);
  mkdirSync(join(folder, 'v2'));
  writeFileSync(path, 'back');
  await changed(() => seen.length, 3);
  expect(seen).toEqual(['v2', 'gone', 'back']);
});
