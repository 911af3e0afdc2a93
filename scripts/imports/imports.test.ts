import { expect, test } from 'vitest';
import { checkTree } from './check-tree.ts';
import { findCycles } from './find-cycles.ts';
import { findImports } from './find-imports.ts';
import { parseImportTable } from './import-table.ts';

/** Put together here, so that the check of the real tree does not take fixtures for imports of this file. */
const from = (...specifiers: string[]): string =>
  specifiers.map((specifier, n) => ['import', `{ x${n} }`, 'from', `'${specifier}';`].join(' ')).join('\n');

const TABLE = `
| folder | what a newcomer finds there | may import |
|---|---|---|
| \`packages/protocol\` | messages | nothing |
| \`packages/kit\` | tools | nothing |
| \`packages/client\` | client | \`protocol\`, kit/isomorphic |
| \`apps/server\` | control plane | protocol, kit |
| \`apps/agent\` | agent | protocol, client, kit |
| \`e2e/\`, \`bench\` | all of it | anything |

After.
`;
const WORKSPACES = [
  'packages/protocol',
  'packages/kit',
  'packages/client',
  'packages/testkit',
  'apps/server',
  'apps/agent',
].map((folder) => {
  const entry = folder.startsWith('apps/') ? 'main' : 'index';
  const entries = new Map([['.', `${folder}/src/${entry}.ts`]]);
  if (folder === 'packages/kit') entries.set('./isomorphic', 'packages/kit/src/isomorphic.ts');
  return { folder, name: `@groundcrew/${folder.split('/')[1]}`, entries };
});
const ENTRIES = WORKSPACES.flatMap(({ entries }) => [...entries.values()]).map((path) => [path, ''] as const);
const TESTKIT_ROW = { folder: 'packages/testkit', mayImport: ['protocol'] };

/** Mistakes in a tree that holds all entries and these files. */
const check = (files: Record<string, string>): string[] =>
  checkTree({
    rules: [...parseImportTable(TABLE), TESTKIT_ROW],
    workspaces: WORKSPACES,
    files: new Map([...ENTRIES, ...Object.entries(files)]),
  });

test('the table is read from the page, several folders a row', () => {
  expect(parseImportTable(TABLE).slice(-3)).toEqual([
    { folder: 'apps/agent', mayImport: ['protocol', 'client', 'kit'] },
    { folder: 'e2e', mayImport: ['anything'] },
    { folder: 'bench', mayImport: ['anything'] },
  ]);
});

test.each([
  ['no table', '# Architecture'],
  ['a cell that is no list of names', TABLE.replace('protocol, client, kit |', 'protocol and client |')],
  ['an empty cell', TABLE.replace('nothing', '')],
  ['a missing cell', TABLE.replace('| messages |', '|')],
])('%s is an error, never a lost rule', (_, markdown) =>
  expect(() => parseImportTable(markdown)).toThrow('ARCHITECTURE.md'),
);

test('finds every way to import, with its line', () => {
  const source = [
    from('./one.ts'),
    ['import type {', ' A,', ' B,', '} from "./two.ts";'].join('\n'),
    ['export', '* from', "'./three.ts';"].join(' '),
    ['import', "'./four.ts';"].join(' '),
    ['const x = await import', "('./five.ts');"].join(''),
    "const text = 'import nothing from here';",
    ['import', "{ y } from '${somewhere}';"].join(' '),
  ].join('\n');
  expect(findImports(source)).toEqual([
    { specifier: './one.ts', line: 1 },
    { specifier: './two.ts', line: 2 },
    { specifier: './three.ts', line: 6 },
    { specifier: './four.ts', line: 7 },
    { specifier: './five.ts', line: 8 },
  ]);
});

test('edges of the table, npm packages and Node itself pass', () => {
  const mistakes = check({
    'apps/agent/src/link.ts': from(
      '@groundcrew/client',
      '@groundcrew/kit',
      '@groundcrew/kit/isomorphic',
      'node:fs',
      'ws',
      './slots.ts',
    ),
    'apps/agent/src/slots.ts': '',
    'packages/client/src/a.ts': from('@groundcrew/kit/isomorphic', '@groundcrew/protocol'),
    'e2e/whole.test.ts': from('@groundcrew/server', '@groundcrew/testkit'),
    'apps/server/src/a.test.ts': from('@groundcrew/testkit'),
  });
  expect(mistakes).toEqual([]);
});

test.each([
  ['an edge that is not in the table', 'packages/kit/src/a.ts', '@groundcrew/protocol', 'may import no workspace'],
  [
    'another entry than the allowed one',
    'packages/client/src/a.ts',
    '@groundcrew/kit',
    'may import protocol, kit/isomorphic',
  ],
  ['an app importing an app', 'apps/agent/src/a.ts', '@groundcrew/server', 'apps never import apps'],
  ['the testkit outside of tests', 'apps/server/src/a.ts', '@groundcrew/testkit', 'may import protocol, kit'],
  ['a file behind a package’s entry', 'apps/server/src/a.ts', '@groundcrew/kit/src/index.ts', 'does not exist'],
  ['another workspace by path', 'apps/server/src/a.ts', '../../../packages/kit/src/index.ts', 'by its package name'],
  ['another workspace by path from e2e', 'e2e/a.test.ts', '../apps/server/src/main.ts', 'by its package name'],
  ['a missing file', 'apps/server/src/a.ts', './nowhere.ts', 'does not exist'],
  ['a missing workspace', 'apps/server/src/a.ts', '@groundcrew/nothing', 'does not exist'],
])('%s is refused', (_, path, specifier, sentence) => {
  expect(check({ [path]: from(specifier) })).toEqual([expect.stringContaining(sentence)]);
});

const MODULES = {
  'apps/server/src/modules/tasks/index.ts': from('./service.ts'),
  'apps/server/src/modules/tasks/service.ts': from('./lifecycle/index.ts'),
  'apps/server/src/modules/tasks/lifecycle/index.ts': from('./step.ts'),
  'apps/server/src/modules/tasks/lifecycle/step.ts': '',
  'apps/server/src/platform/bus/index.ts': '',
};

test.each([
  ['../tasks/index.ts', undefined],
  ['../tasks/service.ts', 'through apps/server/src/modules/tasks/index.ts'],
  ['../tasks/lifecycle/index.ts', 'through apps/server/src/modules/tasks/index.ts'],
  ['../../platform/bus/index.ts', undefined],
])('a module is entered through its index.ts: %s', (specifier, sentence) => {
  const mistakes = check({ ...MODULES, 'apps/server/src/modules/pools/store.ts': from(specifier) });
  expect(mistakes).toEqual(sentence === undefined ? [] : [expect.stringContaining(sentence)]);
});

test('inside its own module a nested one is still entered through its index.ts', () => {
  const mistakes = check({ ...MODULES, 'apps/server/src/modules/tasks/store.ts': from('./lifecycle/step.ts') });
  expect(mistakes).toEqual([expect.stringContaining('tasks/lifecycle/index.ts')]);
});

test("the server's platform knows no module", () => {
  const mistakes = check({ ...MODULES, 'apps/server/src/platform/loops.ts': from('../modules/tasks/index.ts') });
  expect(mistakes).toEqual([expect.stringContaining('platform knows no module')]);
});

test('circles are told once, the shortest way round', () => {
  const edges = ['a>b', 'b>c', 'c>a', 'b>a', 'c>d', 'd>e', 'e>d', 'f>a'].map((edge) => {
    const [start = '', end = ''] = edge.split('>');
    return { from: start, to: end };
  });
  expect(findCycles(edges)).toEqual([
    ['a', 'b', 'a'],
    ['d', 'e', 'd'],
  ]);
  const mistakes = check({ 'apps/agent/src/a.ts': from('./b.ts'), 'apps/agent/src/b.ts': from('./a.ts') });
  expect(mistakes).toEqual([expect.stringContaining('a.ts → apps/agent/src/b.ts → apps/agent/src/a.ts')]);
});

test('a workspace without a row is told', () => {
  const tree = { rules: parseImportTable(TABLE), workspaces: WORKSPACES, files: new Map(ENTRIES) };
  expect(checkTree(tree)).toEqual([expect.stringContaining('packages/testkit has no row')]);
});

test('a folder that is no package is imported by its path, through its entry, and by those who may', () => {
  const files = { 'e2e/harness/index.ts': '', 'e2e/harness/lab.ts': '' };
  expect(check({ ...files, 'bench/main.ts': from('../e2e/harness/index.ts') })).toEqual([]);
  expect(check({ ...files, 'bench/main.ts': from('../e2e/harness/lab.ts') })).toEqual([
    expect.stringContaining('the module is entered through e2e/harness/index.ts.'),
  ]);
  expect(check({ ...files, 'apps/agent/src/main.ts': from('../../../e2e/harness/index.ts') })).toEqual([
    expect.stringContaining('apps/agent may import protocol, client, kit'),
  ]);
});
