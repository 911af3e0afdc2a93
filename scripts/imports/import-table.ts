/** What one row of the table allows. */
export interface ImportRule {
  /** `packages/client`, `e2e`. */
  folder: string;
  /** Workspaces by short name, one of their entries as `kit/isomorphic`; `anything` allows all but apps importing apps. */
  mayImport: readonly string[];
}

const HEADING = '| folder | what a newcomer finds there | may import |';

/**
 * Reads the import table of the architecture page, the only place where these edges are written down. Throws when there is no
 * such table or a row cannot be read: a rule that is silently lost would allow everything.
 */
export function parseImportTable(markdown: string): ImportRule[] {
  const lines = markdown.split('\n').map((line) => line.trim());
  const start = lines.indexOf(HEADING);
  if (start < 0) throw new Error(`ARCHITECTURE.md has no import table; it begins with the line "${HEADING}".`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end < 0 ? undefined : end).flatMap(parseRow);
}

function parseRow(row: string): ImportRule[] {
  const cells = row.split('|').map((cell) => cell.trim());
  const folders = [...(cells[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, folder]) => (folder ?? '').replace(/\/$/, ''));
  const mayImport = parseEdges(cells[3] ?? '');
  if (cells.length !== 5 || folders.length === 0 || mayImport === undefined)
    throw new Error(`A row of the import table in ARCHITECTURE.md cannot be read: ${row}`);
  return folders.map((folder) => ({ folder, mayImport }));
}

/** `protocol, kit` · `nothing` · `anything`. */
function parseEdges(cell: string): string[] | undefined {
  if (cell === 'nothing') return [];
  const names = cell.replaceAll('`', '').split(/\s*,\s*/);
  return names.every((name) => /^[a-z]+(\/[a-z-]+)?$/.test(name)) ? names : undefined;
}
