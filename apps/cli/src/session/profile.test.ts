import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeFolder } from '../run-for-tests.ts';
import { readPrivateProfile, readProfile, writeProfile } from './profile.ts';

const folder = () => {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  return path;
};

it('is kept where only its owner can read it', async () => {
  const path = join(folder(), 'deep', 'profile.json');
  await writeProfile(path, { url: 'http://127.0.0.1:1', token: 'gct_x' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await readProfile(path)).toEqual({ url: 'http://127.0.0.1:1', token: 'gct_x' });
  expect(await readProfile(`${path}.none`)).toBeUndefined();
});

it('in the working folder counts only if no checkout can have brought it', async () => {
  const path = join(folder(), 'cli.json');
  await writeProfile(path, { url: 'https://evil.example.com', token: 'gct_x' });
  expect(await readPrivateProfile(path)).toBeDefined();
  chmodSync(path, 0o644);
  expect(await readPrivateProfile(path)).toBeUndefined();
});

it('that is damaged is named', async () => {
  const path = join(folder(), 'profile.json');
  writeFileSync(path, '{"url":');
  await expect(readProfile(path)).rejects.toThrow(`The profile ${path} is damaged.`);
});
