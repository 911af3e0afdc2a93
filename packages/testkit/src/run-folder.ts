import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Tells test processes where their run keeps its things; set by the global set-up. */
const VARIABLE = 'GROUNDCREW_TEST_RUN';
const PREFIX = 'gc-run-';
const STALE_MS = 24 * 3600 * 1000;

/** The folder of this test run, gone when the run is over; undefined outside of one. */
export const findRunFolder = (): string | undefined => process.env[VARIABLE];

/** Makes the folder of a run, for processes that are started from now on. Its name is short, for sockets lie deep in it. */
export function createRunFolder(): { path: string; remove(): void } {
  removeStale();
  const path = mkdtempSync(join(tmpdir(), PREFIX));
  process.env[VARIABLE] = path;
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Folders of runs that were killed. */
function removeStale(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(tmpdir(), name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}
