import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createTemporaryFolder, type TemporaryFolder } from '@groundcrew/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyEngine, findEnginePackage, prepareEngine } from './engine.ts';

let packageFolder: TemporaryFolder;
let copies: TemporaryFolder;
let links: { source: string; target: string }[];

/** The package as npm leaves it when install scripts are blocked: without a link. */
beforeAll(() => {
  packageFolder = createTemporaryFolder('engine');
  copies = createTemporaryFolder('copies');
  cpSync(findEnginePackage(), packageFolder.path, {
    recursive: true,
    filter: (path) => !lstatSync(path).isSymbolicLink() && !path.endsWith('.a'),
  });
  links = JSON.parse(readFileSync(join(packageFolder.path, 'native', 'pg-symlinks.json'), 'utf8'));
});
afterAll(() => {
  packageFolder.remove();
  copies.remove();
});

const versionOf = (program: string): string => execFileSync(program, ['--version'], { encoding: 'utf8' });
const isLinked = (folder: string): boolean =>
  links.every(
    ({ source, target }) => source.endsWith(readlinkSync(join(folder, target))) && existsSync(join(folder, target)),
  );

test('the copy for a package that cannot be written to works by itself', async () => {
  const packaged = { ...(await describePackage()) };
  const copy = await copyEngine(packaged, copies.path);
  expect(copy.folder).toBe(join(copies.path, `engine-${packaged.version}`));
  expect(isLinked(copy.folder)).toBe(true);
  expect(versionOf(copy.postgres)).toContain(`PostgreSQL) ${packaged.major}.`);
  expect(await copyEngine(packaged, copies.path)).toEqual(copy);
  expect(readdirSync(copies.path)).toEqual([`engine-${packaged.version}`]);
});

test('a dozen that start at once make the missing links, and PostgreSQL runs', async () => {
  expect(existsSync(join(packageFolder.path, links[0]!.target))).toBe(false);
  const engines = await Promise.all(Array.from({ length: 12 }, () => prepareEngine(packageFolder.path, copies.path)));
  expect(new Set(engines.map(({ folder }) => folder))).toEqual(new Set([packageFolder.path]));
  expect(isLinked(packageFolder.path)).toBe(true);
  expect(versionOf(engines[0]!.postgres)).toContain('PostgreSQL');
  expect(versionOf(engines[0]!.initdb)).toContain('PostgreSQL');
});

async function describePackage() {
  const version: string = JSON.parse(readFileSync(join(packageFolder.path, 'package.json'), 'utf8')).version;
  return { folder: packageFolder.path, initdb: '', postgres: '', major: Number.parseInt(version, 10), version };
}
