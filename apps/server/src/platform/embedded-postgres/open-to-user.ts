import { chmod, chown, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { run } from '@groundcrew/kit';
import { copyEngine, type Engine } from './engine.ts';
import type { Runner } from './run-as.ts';

/**
 * Where PostgreSQL has to run as another user: gives that user the folder, a way through our home to it, and programs within
 * reach. A folder above the home that lets nobody through hides them all, and there it ends.
 */
export async function openToUser(runner: Runner, folder: string, engine: Engine): Promise<Engine> {
  const { uid, gid } = runner.user;
  if (uid === undefined || gid === undefined) return engine;
  await chown(folder, uid, gid);
  if (!(await succeeds(runner, 'test', ['-w', folder]))) await letThrough(dirname(folder), gid);
  if (!(await succeeds(runner, 'test', ['-w', folder]))) throw new Error(hidden(folder, uid));
  if (await succeeds(runner, engine.postgres, ['--version'])) return engine;
  return copyEngine(engine, folder);
}

/** To that user's group alone, and only through: what is in the home stays out of sight. */
async function letThrough(home: string, gid: number): Promise<void> {
  const { uid, mode } = await stat(home);
  if (uid !== process.getuid?.()) return;
  await chown(home, uid, gid);
  await chmod(home, (mode & 0o707) | 0o010);
}

async function succeeds({ command, user }: Runner, program: string, args: readonly string[]): Promise<boolean> {
  const result = await run(command(program, args, 'KILL'), { env: { PATH: process.env.PATH }, cwd: '/', ...user });
  return result.code === 0;
}

const hidden = (folder: string, uid: number): string =>
  `PostgreSQL refuses to run as root and has to run as user ${uid} here, who cannot get to ${folder}. Let others pass through the folders above it (chmod o+x), choose another one with GROUNDCREW_HOME, or set DATABASE_URL.`;
