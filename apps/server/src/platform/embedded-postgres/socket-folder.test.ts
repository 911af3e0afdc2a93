import { mkdirSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTemporaryFolder } from '@groundcrew/testkit';
import { expect, test } from 'vitest';
import { chooseSocketFolder, prepareSocketFolder } from './socket-folder.ts';

test('lies in the home, unless that is too deep for a socket', () => {
  expect(chooseSocketFolder('/home/a/.groundcrew/postgres')).toEqual({
    path: '/home/a/.groundcrew/postgres/run',
    temporary: false,
  });
  const deep = `/home/${'a'.repeat(90)}`;
  const { path, temporary } = chooseSocketFolder(deep, '/tmp');
  expect(temporary).toBe(true);
  expect(path).toMatch(/^\/tmp\/groundcrew-[0-9a-f]{16}$/);
  expect(chooseSocketFolder(deep, '/tmp').path).toBe(path);
  expect(chooseSocketFolder(`${deep}b`, '/tmp').path).not.toBe(path);
});

test('is counted in bytes, not in letters', () => {
  expect(chooseSocketFolder(`/${'ü'.repeat(45)}`, '/tmp').temporary).toBe(true);
});

test('says so when everything is too long', () => {
  expect(() => chooseSocketFolder(`/${'a'.repeat(90)}`, `/${'b'.repeat(90)}`)).toThrow('TMPDIR');
});

test('is open to its owner alone, also when it was there before', async () => {
  const home = createTemporaryFolder('sock');
  mkdirSync(join(home.path, 'run'), { mode: 0o755 });
  const { path, remove } = await prepareSocketFolder(home.path, {});
  expect(statSync(path).mode & 0o777).toBe(0o700);
  await remove();
  expect(statSync(path).isDirectory()).toBe(true);
  home.remove();
});

test('a link that somebody put in its place below the temporary folder is refused', async () => {
  const target = createTemporaryFolder('sock');
  const deep = join(tmpdir(), 'a'.repeat(90), target.path);
  const { path } = chooseSocketFolder(deep);
  symlinkSync(target.path, path);
  await expect(prepareSocketFolder(deep, {})).rejects.toThrow('belongs to somebody else');
  const { rmSync } = await import('node:fs');
  rmSync(path);
  target.remove();
});
