import { chown } from 'node:fs/promises';
import { run } from '@groundcrew/kit';
import { copyEngine, type Engine } from './engine.ts';
import type { Runner } from './run-as.ts';

/**
 * Where PostgreSQL has to run as another user: gives that user the folder, and programs within reach. A folder above that
 * lets nobody through hides both, and there it ends.
 */
export async function openToUser(runner: Runner, folder: string, engine: Engine): Promise<Engine> {
  const { uid, gid } = runner.user;
  if (uid === undefined || gid === undefined) return engine;
  await chown(folder, uid, gid);
  if (!(await succeeds(runner, 'test', ['-w', folder]))) throw new Error(hidden(folder, uid));
  if (await succeeds(runner, engine.postgres, ['--version'])) return engine;
  return copyEngine(engine, folder);
}

async function succeeds({ command, user }: Runner, program: string, args: readonly string[]): Promise<boolean> {
  const result = await run(command(program, args, 'KILL'), { env: { PATH: process.env.PATH }, cwd: '/', ...user });
  return result.code === 0;
}

const hidden = (folder: string, uid: number): string =>
  `PostgreSQL refuses to run as root and has to run as user ${uid} here, who cannot get to ${folder}. Let others pass through the folders above it (chmod o+x), choose another one with GROUNDCREW_HOME, or set DATABASE_URL.`;
