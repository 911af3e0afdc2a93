import { chmod, chown, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { newSecret, readFileIfExists, run, syncFolder, writeFileDurably } from '@groundcrew/kit';
import type { Engine } from './engine.ts';
import type { Runner } from './run-as.ts';
import { initdbArguments } from './settings.ts';

/** The role's password lies among the data it opens, so that neither is ever copied or restored without the other. */
export const PASSWORD_FILE = 'groundcrew_password';

/**
 * Makes sure that there is a data folder which this version can open, and gives its role's password. A new one is made under
 * another name and renamed when it is complete and on disk, so that after a crash there is a whole one or none.
 */
export async function ensureDataFolder(
  folder: string,
  engine: Engine,
  runner: Runner,
): Promise<{ password: string; created: boolean }> {
  await removeUnfinished(folder);
  const created = !(await isInitialised(folder, engine));
  if (created) await initialise(folder, engine, runner);
  // PostgreSQL insists on it, and a folder that was copied or unpacked has often lost it.
  await chmod(folder, 0o700);
  return { password: await readFile(join(folder, PASSWORD_FILE), 'utf8'), created };
}

async function isInitialised(folder: string, engine: Engine): Promise<boolean> {
  const version = await readFileIfExists(join(folder, 'PG_VERSION'));
  if (version === undefined) {
    await removeEmpty(folder);
    return false;
  }
  const major = Number(version.toString().trim());
  if (major === engine.major) return true;
  throw new Error(
    `The data in ${folder} was made by PostgreSQL ${major}, and this version of Groundcrew brings PostgreSQL ${engine.major}. Move it with pg_dump of ${major} into an empty database, or start the version of Groundcrew that made it.`,
  );
}

/** A folder that somebody made in advance is welcome as long as nothing is in it. */
async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code === 'ENOTEMPTY' || code === 'ENOTDIR')
      throw new Error(`${folder} is not empty and holds no PostgreSQL data. Move it away and start again.`);
    throw error;
  }
}

async function initialise(folder: string, engine: Engine, { command, user }: Runner): Promise<void> {
  const unfinished = `${folder}.${newSecret(6)}.new`;
  const passwordFile = `${unfinished}.password`;
  await writeFileDurably(passwordFile, newSecret());
  if (user.uid !== undefined) await chown(passwordFile, user.uid, user.gid);
  const argv = command(engine.initdb, initdbArguments(unfinished, passwordFile), 'KILL');
  const result = await run(argv, { env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }, ...user });
  if (result.code !== 0)
    throw new Error(`PostgreSQL could not set up ${folder}: ${lastLines(result.stderr || result.stdout)}`);
  await rename(passwordFile, join(unfinished, PASSWORD_FILE));
  await syncFolder(unfinished);
  await rename(unfinished, folder);
  await syncFolder(dirname(folder));
}

/**
 * What a crash during an earlier set-up left behind: the folder, its password file, or the beginnings of that. Names are random,
 * so that an orphan cannot write into the next try.
 */
async function removeUnfinished(folder: string): Promise<void> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const unfinished = (await readdir(parent)).filter((name) =>
    name.replace(/^\./, '').startsWith(`${basename(folder)}.`),
  );
  await Promise.all(unfinished.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-5).join(' ');
