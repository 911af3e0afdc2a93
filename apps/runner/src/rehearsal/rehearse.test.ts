import { existsSync, readdirSync } from 'node:fs';
import { createLogger, systemClock, systemRandom } from '@groundcrew/kit';
import { RunnerBirth } from '@groundcrew/protocol';
import { expect, it } from 'vitest';
import { createFolders } from '../folder/index.ts';
import { bareFolder } from '../runner-for-tests.ts';
import { rehearse } from './rehearse.ts';

it('goes through to the end, asks nobody else, and leaves nothing behind', async () => {
  const folder = bareFolder({ url: 'http://127.0.0.1:1' });
  await createFolders(folder);
  const install = { enabled: false, terraform_url: null, tofu_url: null, key_file: null };
  const birth = RunnerBirth.parse({
    link_version: 1,
    server_url: 'http://127.0.0.1:1',
    versions_dir: folder.tmp,
    path: process.env.PATH,
    install,
  });
  const said: string[] = [];
  const logger = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (line: string) => void said.push(line) },
  });
  await rehearse(
    { folder, birth, version: '0', clock: systemClock, random: systemRandom, logger },
    new AbortController().signal,
  );
  expect(said).toEqual([]);
  expect(readdirSync(folder.tmp)).toEqual([]);
  expect(existsSync(folder.data)).toBe(false);
  expect(readdirSync(folder.journal)).toEqual([]);
});
