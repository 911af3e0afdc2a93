import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createExclusively, readFileIfExists, writeFileDurably } from './atomic-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gc-kit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

test('writes and replaces a file with the mode asked for, and leaves nothing beside it', async () => {
  const path = join(folder, 'state');
  await writeFileDurably(path, 'old');
  await writeFileDurably(path, Buffer.from('new'), 0o666);
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o666);
  expect(await readdir(folder)).toEqual(['state']);
});

test('a failed write leaves the old file and nothing else', async () => {
  const path = join(folder, 'taken');
  await writeFile(join(folder, 'kept'), 'kept');
  await expect(writeFileDurably(join(path, 'below', 'nothing'), 'x')).rejects.toThrow('ENOENT');
  await expect(writeFileDurably(folder, 'x')).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['kept']);
});

test('a reader sees one of the versions whole, however many write', async () => {
  const path = join(folder, 'busy');
  const version = (n: number) => String(n % 10).repeat(50_000);
  await writeFileDurably(path, version(0));
  let writing = true;
  const reads: string[] = [];
  const reader = (async () => {
    while (writing) reads.push(await readFile(path, 'utf8'));
  })();
  await Promise.all(Array.from({ length: 20 }, (_, n) => writeFileDurably(path, version(n))));
  writing = false;
  await reader;
  for (const text of reads) expect(text).toBe(version(Number(text.charAt(0))));
  expect(reads.length).toBeGreaterThan(0);
});

test('of twenty who create a file at once, one does, and the file holds its content', async () => {
  const path = join(folder, 'fate');
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => createExclusively(path, `writer ${n}`)));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await readFile(path, 'utf8')).toBe(`writer ${answers.indexOf(true)}`);
  expect(await readdir(folder)).toEqual(['fate']);
});

test('an exclusively created file is never replaced', async () => {
  const path = join(folder, 'fate');
  await writeFile(path, '');
  expect(await createExclusively(path, 'late')).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('');
});

test('readFileIfExists tells a missing file from an unreadable one', async () => {
  expect(await readFileIfExists(join(folder, 'missing'))).toBeUndefined();
  await expect(readFileIfExists(folder)).rejects.toThrow('EISDIR');
});
