import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from '../workspaces.ts';

/** What decides how a bundle comes out. */
const BUILD_SCRIPTS = ['bundle-app', 'asset-urls', 'folded', 'lazy-builtins'];

/** What a bundle was made from, kept beside it; a bundle whose stamp still holds need not be made again. */
interface Stamp {
  /** Everything that is the same for all bundles: build scripts and dependencies. */
  base: string;
  /** Input from the root → size and time of its last change. */
  inputs: Record<string, string>;
  outputs: string[];
}

const stampPath = (folder: string): string => join(folder, 'build.json');

const findStamp = (folder: string): Stamp | undefined =>
  existsSync(stampPath(folder)) ? JSON.parse(readFileSync(stampPath(folder), 'utf8')) : undefined;

export function isUpToDate(folder: string): boolean {
  const stamp = findStamp(folder);
  return (
    stamp !== undefined &&
    stamp.base === hashBase() &&
    stamp.outputs.every((name) => existsSync(join(folder, name))) &&
    Object.entries(stamp.inputs).every(([path, wanted]) => describe(path) === wanted)
  );
}

/** Names of what the last build made in the folder; none when it did not come to its end. */
export const readStampedOutputs = (folder: string): readonly string[] => findStamp(folder)?.outputs ?? [];

/** Before a bundle is written: whatever happens on the way, it is made again. */
export const removeStamp = (folder: string): void => rmSync(stampPath(folder), { force: true });

export function writeStamp(folder: string, inputs: readonly string[], outputs: string[]): void {
  // What lies in node_modules changes with the lock file only.
  const ours = inputs.filter((path) => !path.startsWith('node_modules/'));
  const stamp: Stamp = {
    base: hashBase(),
    inputs: Object.fromEntries(ours.map((path) => [path, describe(path)])),
    outputs,
  };
  writeFileSync(stampPath(folder), `${JSON.stringify(stamp, null, 1)}\n`);
}

/** Size and time of change; a folder's time changes with the names in it. */
function describe(path: string): string {
  const stat = statSync(resolve(ROOT, path), { throwIfNoEntry: false });
  return stat === undefined ? 'missing' : `${stat.isDirectory() ? 'folder' : stat.size} ${stat.mtimeMs}`;
}

function hashBase(): string {
  const hash = createHash('sha256').update(process.version);
  for (const path of ['package-lock.json', ...BUILD_SCRIPTS.map((name) => `scripts/build/${name}.ts`)])
    hash.update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
}
