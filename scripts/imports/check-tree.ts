import { posix } from 'node:path';
import type { WorkspacePackage } from '../workspaces.ts';
import { findCycles } from './find-cycles.ts';
import { findImports } from './find-imports.ts';
import type { ImportRule } from './import-table.ts';

/** The tree as the rules see it. */
export interface Tree {
  rules: readonly ImportRule[];
  workspaces: readonly WorkspacePackage[];
  /** Path from the root → text, of every file that can import or be imported. */
  files: ReadonlyMap<string, string>;
}

interface Edge {
  from: string;
  to: string;
  specifier: string;
  line: number;
}

/** Every import that breaks a rule, one sentence each. */
export function checkTree(tree: Tree): string[] {
  const unlisted = tree.workspaces
    .filter(({ folder }) => !tree.rules.some((rule) => rule.folder === folder))
    .map(({ folder }) => `${folder} has no row in the import table of ARCHITECTURE.md; add one.`);
  const { edges, mistakes } = resolveEdges(tree);
  const broken = edges.flatMap((edge) => {
    const mistake = judgeEdge(edge, tree);
    return mistake === undefined ? [] : [`${edge.from}:${edge.line} imports "${edge.specifier}": ${mistake}`];
  });
  const cycles = findCycles(edges).map((cycle) => `These files import each other in a circle: ${cycle.join(' → ')}.`);
  return [...unlisted, ...mistakes, ...broken, ...cycles];
}

/** Imports within the tree; imports of npm packages and of Node itself are no edges. */
function resolveEdges(tree: Tree): { edges: Edge[]; mistakes: string[] } {
  const edges: Edge[] = [];
  const mistakes: string[] = [];
  for (const [from, source] of tree.files) {
    for (const { specifier, line } of findImports(source)) {
      const target = resolveTarget(from, specifier, tree);
      if (target === 'outside') continue;
      if (tree.files.has(target)) edges.push({ from, to: target, specifier, line });
      else mistakes.push(`${from}:${line} imports "${specifier}", which does not exist.`);
    }
  }
  return { edges, mistakes };
}

/** A file of the tree, `outside`, or a path that is not in the tree. */
function resolveTarget(from: string, specifier: string, { workspaces }: Tree): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const workspace = workspaces.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`));
  if (workspace === undefined) return specifier.startsWith('@groundcrew/') ? specifier : 'outside';
  return workspace.entries.get(`.${specifier.slice(workspace.name.length)}`) ?? specifier;
}

function judgeEdge(edge: Edge, tree: Tree): string | undefined {
  const [from, to] = [findRule(edge.from, tree), findRule(edge.to, tree)];
  if (from !== to && to !== undefined) {
    // `e2e` and the like are no packages, so they have no name to be imported by.
    const isPackage = tree.workspaces.some(({ folder }) => folder === to.folder);
    if (isPackage && edge.specifier.startsWith('.')) return `another workspace is imported by its package name.`;
    if (from === undefined) return undefined;
    return judgeWorkspaces(edge, from, to) ?? (isPackage ? undefined : judgeEntry(edge, tree));
  }
  return judgeServerLayers(edge) ?? judgeEntry(edge, tree);
}

const findRule = (path: string, { rules }: Tree): ImportRule | undefined =>
  rules.find(({ folder }) => path.startsWith(`${folder}/`));

function judgeWorkspaces(edge: Edge, from: ImportRule, to: ImportRule): string | undefined {
  if (from.folder.startsWith('apps/') && to.folder.startsWith('apps/')) return 'apps never import apps.';
  if (from.mayImport.includes('anything')) return undefined;
  const name = posix.basename(to.folder);
  if (name === 'testkit' && isTestFile(edge.from)) return undefined;
  const entry = edge.specifier.replace('@groundcrew/', '');
  if (from.mayImport.includes(name) || from.mayImport.includes(entry)) return undefined;
  return `${from.folder} may import ${from.mayImport.join(', ') || 'no workspace'} (import table of ARCHITECTURE.md).`;
}

const isTestFile = (path: string): boolean => /(\.test|-for-tests)\.ts$/.test(path);

function judgeServerLayers({ from, to }: Edge): string | undefined {
  const server = 'apps/server/src';
  const isUpward = from.startsWith(`${server}/platform/`) && to.startsWith(`${server}/modules/`);
  return isUpward ? "the server's platform knows no module." : undefined;
}

/**
 * A folder with an `index.ts` is a module; from outside it is entered through that file. What a module keeps for tests alone
 * does not stand there, so tests take it from its own file.
 */
function judgeEntry({ from, to }: Edge, { files }: Tree): string | undefined {
  const module = ancestors(to).find((folder) => !from.startsWith(`${folder}/`) && files.has(`${folder}/index.ts`));
  if (module === undefined || to === `${module}/index.ts`) return undefined;
  if (isTestFile(from) && to.endsWith('-for-tests.ts')) return undefined;
  return `the module is entered through ${module}/index.ts.`;
}

/** Folders around a file, outermost first. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
