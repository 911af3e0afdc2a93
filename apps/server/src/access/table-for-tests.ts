import type { RouteName, RouteSpec } from '@groundcrew/protocol';
import type { TestCaller } from './callers-for-tests.ts';

/** How every caller is answered by one route, on one of the two workspaces where it is about one. */
export interface TableRow {
  name: RouteName | 'socket';
  spec: Pick<RouteSpec, 'path'> & { method: RouteSpec['method'] | 'WS' };
  where: '' | 'granted' | 'other';
  /** In the order of the callers: `ok`, `401`, `403` or `404`. */
  cells: readonly string[];
}

const MARKS: Readonly<Record<string, string>> = { ok: '✓', 401: '·', 403: '✗', 404: '?' };

const HEAD = `# Who may call what

Made by \`apps/server/src/access/access.test.ts\`, which calls every route as every kind of caller and fails when an answer is
another one than here. After a change that is meant, write it anew with \`vitest run apps/server/src/access --update\` and read
the difference.

**✓** let in (what becomes of the call is another matter) · **✗** 403, may not · **?** 404, not there for them ·
**·** 401, not a credential for this

Routes about a workspace have two lines: one on the workspace that the grants are on, and one on another workspace.
`;

/** The table as people read it. */
export function formatTable(callers: readonly TestCaller[], rows: readonly TableRow[]): string {
  const legend = callers.map(({ short, meaning }) => `| \`${short}\` | ${meaning} |`);
  const width = Math.max(...rows.map((row) => titleOf(row).length));
  const head = `${'route'.padEnd(width)} ${callers.map(({ short }) => short.padStart(3)).join('')}`;
  const lines = rows.map((row) => `${titleOf(row).padEnd(width)} ${row.cells.map(mark).join('')}`);
  return `${HEAD}\n| caller | who that is |\n|---|---|\n${legend.join('\n')}\n\n\`\`\`text\n${head}\n${lines.join('\n')}\n\`\`\`\n`;
}

const mark = (cell: string): string => (MARKS[cell] ?? cell).padStart(3);

const titleOf = ({ spec, where }: TableRow): string => `${spec.method} ${spec.path}${where && ` (${where})`}`;
