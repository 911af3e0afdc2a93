import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, sha256Hex, tryLockFile } from '@groundcrew/kit';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles made beforehand, to be tried as they are; the tree's own when not given. */
const GIVEN = process.env.GROUNDCREW_TEST_DIST;

/** The bundle of a program, as it is shipped. */
export const bundleOf = (app: 'server' | 'agent' | 'runner' | 'cli'): string =>
  join(GIVEN ?? join(ROOT, 'dist'), app, 'main.mjs');

let built: Promise<void> | undefined;

/** Makes the bundles that are out of date; once per process, and never by two processes at a time. */
export function buildOnce(): Promise<void> {
  built ??= GIVEN === undefined ? build() : Promise.resolve();
  return built;
}

async function build(): Promise<void> {
  const lock = await tryLockFile(join(tmpdir(), `groundcrew-build-${sha256Hex(ROOT).slice(0, 12)}.lock`), 120_000);
  try {
    const { code, stdout, stderr } = await run([process.execPath, join(ROOT, 'scripts', 'build.ts')], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      cwd: ROOT,
    });
    if (code !== 0) throw new Error(`The bundles could not be made:\n${stdout}${stderr}`);
  } finally {
    lock?.release();
  }
}
