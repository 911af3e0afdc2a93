import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkImports } from '../check-imports.ts';
import { listFiles, ROOT } from '../workspaces.ts';
import { type Check, examineWith } from './check.ts';
import { checkLockFile } from './lock-file.ts';
import { findLongFiles } from './sizes.ts';

export { runChecks } from './check.ts';
export { printResult } from './print.ts';

/** Every check there is; each counts as one test. */
export const CHECKS: readonly Check[] = [
  {
    name: 'format and lint',
    examine: () => examineWith('biome', 'ci', '--error-on-warnings', '--colors=off', '--max-diagnostics=50'),
  },
  { name: 'imports', examine: async () => ({ mistakes: checkImports() }) },
  { name: 'types', examine: () => examineWith('tsc', '--project', '.', '--pretty', 'false') },
  { name: 'dead code', examine: () => examineWith('knip', '--strict', '--no-progress') },
  { name: 'lock file', examine: async () => ({ mistakes: checkLockFile() }) },
  { name: 'sizes', examine: async () => findLongFiles(readSources()) },
];

const readSources = (): Map<string, string> =>
  new Map(
    listFiles()
      .filter((path) => /\.(ts|tsx|mjs|sh)$/.test(path))
      .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
  );
