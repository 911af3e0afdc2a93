/** A row of one of the contract's tables of calls. */
export interface CallRow {
  /** Method and path, such as `GET /agents/:id`. */
  readonly call: string;
  readonly who: string;
  readonly takes: string;
  readonly answers: string;
  readonly note: string;
}

/** How a good request of a call is made. @internal */
export interface ExampleRow {
  readonly call: string;
  /** What has to be there, by the names of the conformance test's world, separated by commas. */
  readonly given: string;
  /** Query, JSON or the word for bytes; `{name}` stands for what the world made. */
  readonly request: string;
}

/** A row of the table of error codes. */
export interface CodeRow {
  readonly code: string;
  readonly status: string;
  readonly meaning: string;
}

interface SocketRow {
  readonly path: string;
  readonly who: string;
  readonly query: string;
  readonly frames: string;
}

/** A message as the contract writes it, line by line. */
export interface MessageText {
  readonly name: string;
  /** `name: type` each; of a closed list or another name for a type, the type itself alone. */
  readonly fields: readonly string[];
  readonly isAlias: boolean;
}

/** What docs/contract.md says, as data. */
export interface Contract {
  readonly calls: readonly CallRow[];
  readonly examples: readonly ExampleRow[];
  readonly sockets: readonly SocketRow[];
  readonly codes: readonly CodeRow[];
  /** Addresses outside the table of routes, such as the OpenAPI document's. */
  readonly pages: readonly string[];
  readonly messages: readonly MessageText[];
}

/** Reads the contract. Which table a row belongs to is told by the table's header. */
export function parseContract(text: string): Contract {
  const tables = readTables(text);
  const rowsOf = (...header: string[]) =>
    tables.filter((table) => header.every((cell, at) => table.header[at] === cell)).flatMap(({ rows }) => rows);
  const cells = ([first = '', second = '', third = '', fourth = '', fifth = '']: readonly string[]) =>
    [unquote(first), unquote(second), unquote(third), unquote(fourth), fifth] as const;
  return {
    calls: rowsOf('Call', 'Who').map((row) => {
      const [call, who, takes, answers, note] = cells(row);
      return { call, who, takes, answers, note };
    }),
    examples: rowsOf('Call', 'Given').map((row) => {
      const [call, given, request] = cells(row);
      return { call, given, request };
    }),
    sockets: rowsOf('Socket').map((row) => {
      const [path, who, query, frames] = cells(row);
      return { path, who, query, frames };
    }),
    codes: rowsOf('Code').map((row) => {
      const [code, status, meaning] = cells(row);
      return { code, status, meaning };
    }),
    pages: rowsOf('Page').map((row) => cells(row)[0]),
    messages: readMessages(text),
  };
}

interface Table {
  header: string[];
  rows: string[][];
}

function readTables(text: string): Table[] {
  const tables: Table[] = [];
  let inside: Table | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) inside = undefined;
    else if (inside === undefined) {
      inside = { header: splitRow(line), rows: [] };
      tables.push(inside);
    } else if (!/^\|[\s|:-]+$/.test(line)) inside.rows.push(splitRow(line));
  }
  return tables;
}

/** The cells of a row; a mark inside a cell is written `\|`. */
const splitRow = (line: string): string[] =>
  line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
const unquote = (cell: string): string => (/^`[^`]*`$/.test(cell) ? cell.slice(1, -1) : cell);

/** Opens a block of messages. */
export const MESSAGE_FENCE = '```contract';

function readMessages(text: string): MessageText[] {
  const blocks = text.split(MESSAGE_FENCE).slice(1);
  return blocks.flatMap((block) => {
    const [body = ''] = block.split('```');
    return body
      .trim()
      .split(/\n\s*\n/)
      .filter((part) => part.trim() !== '')
      .map(readMessage);
  });
}

function readMessage(part: string): MessageText {
  const alias = /^([A-Z]\w*) =\s+(.*)$/s.exec(part.trim());
  if (alias !== null)
    return { name: alias[1] as string, fields: [(alias[2] as string).replace(/\s*\n\s*/g, ' ')], isAlias: true };
  const [name = '', ...fields] = part.split('\n').map((line) => line.trim());
  return { name, fields, isAlias: false };
}
