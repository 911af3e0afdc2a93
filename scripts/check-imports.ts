import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkTree, parseImportTable } from './imports/index.ts';
import { listFiles, listWorkspaces, ROOT } from './workspaces.ts';

/** Holds every import of the tree against the table in ARCHITECTURE.md; gives one sentence per mistake. */
export function checkImports(): string[] {
  const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
  const paths = listFiles().filter((path) => /\.(ts|tsx|mjs|json)$/.test(path));
  return checkTree({
    rules: parseImportTable(read('ARCHITECTURE.md')),
    workspaces: listWorkspaces(),
    // Of JSON only the existence matters.
    files: new Map(paths.map((path) => [path, path.endsWith('.json') ? '' : read(path)])),
  });
}
