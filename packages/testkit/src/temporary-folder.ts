import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRunFolder } from './run-folder.ts';

export interface TemporaryFolder {
  path: string;
  remove(): void;
}

/** A fresh folder (0700), gone with `remove` or at the latest when the test run is over. */
export function createTemporaryFolder(name = 'test'): TemporaryFolder {
  const path = mkdtempSync(join(findRunFolder() ?? tmpdir(), `${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
