import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone's root. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files of the tree that are ours, as paths from the root, sorted; installed, built and hidden folders left out. */
export function listFiles(folder = ROOT): string[] {
  const skipped = new Set(['node_modules', 'dist', 'coverage']);
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !skipped.has(name) && !name.startsWith('.'))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listFiles(path);
      return entry.isFile() ? [relative(ROOT, path)] : [];
    })
    .sort();
}

/** What the scripts need to know of a workspace's package.json. */
export interface WorkspacePackage {
  /** `apps/server`. */
  folder: string;
  /** `@groundcrew/server`. */
  name: string;
  /** Entry as importers write it (`.`, `./isomorphic`) → file from the root. */
  entries: ReadonlyMap<string, string>;
}

export function listWorkspaces(): WorkspacePackage[] {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(ROOT, parent)).map((name) => readWorkspace(`${parent}/${name}`)),
  );
}

function readWorkspace(folder: string): WorkspacePackage {
  const json: { name: string; exports?: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, folder, 'package.json'), 'utf8'),
  );
  const entries = Object.entries(json.exports ?? {}).map(([entry, file]) => [entry, join(folder, file)] as const);
  return { folder, name: json.name, entries: new Map(entries) };
}
