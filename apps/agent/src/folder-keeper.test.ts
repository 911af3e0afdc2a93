import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import { createTemporaryFolder, type TemporaryFolder, waitFor } from '@groundcrew/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFolderKeeper } from './folder-keeper.ts';
import { GOING, type RunnerStart } from './runner-process.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = createTemporaryFolder('keeper');
});
afterEach(() => folder.remove());

const logger = createLogger({ name: 'test', level: 'silent' });
const start = { users: undefined } as RunnerStart;
const keeper = () => createFolderKeeper({ dir: folder.path, start, logger });

function makeFolder(name: string): void {
  mkdirSync(join(folder.path, name));
  for (const file of ['secret', 'task.json']) writeFileSync(join(folder.path, name, file), '{}');
}

test('what an agent before us had begun to remove is removed, and taken for nothing else', async () => {
  makeFolder(`${GOING}a1`);
  makeFolder('a2');
  const found = await keeper().look(() => false, false);
  expect(found.map(({ folder: name }) => name)).toEqual(['a2']);
  await waitFor('its end', () => !existsSync(join(folder.path, `${GOING}a1`)) || undefined);
  expect(existsSync(join(folder.path, 'a2', 'task.json'))).toBe(true);
});

test('a folder is removed, and one that is not there any more is no trouble', async () => {
  makeFolder('a3');
  const { remove, removed } = keeper();
  remove('a3');
  remove('a4');
  await removed();
  expect(readdirSync(folder.path)).toEqual([]);
});
