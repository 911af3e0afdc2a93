import type { Catalogue, CatalogueColumn, CatalogueTable } from './catalogue.ts';

const HEAD = `-- The schema that the migrations come to. Made by schema-dump.ts --write and compared in CI; do not edit.`;

/** The schema as text, for people to review and for a comparison line by line. Pure. */
export const renderSchema = ({ functions, tables }: Catalogue): string =>
  `${[HEAD, ...functions.map(renderFunction), ...tables.map(renderTable)].join('\n\n')}\n`;

const renderFunction = (definition: string): string => `${definition.replaceAll(' public.', ' ')};`;

function renderTable({ name, columns, constraints, indexes, triggers, options }: CatalogueTable): string {
  const lines = [
    ...columns.map(renderColumn),
    ...constraints.map((constraint) => `CONSTRAINT ${quote(constraint.name)} ${constraint.definition}`),
  ];
  const withOptions = options.length > 0 ? ` WITH (${[...options].sort().join(', ')})` : '';
  const table = `CREATE TABLE ${quote(name)} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)${withOptions};`;
  const storage = columns.filter((column) => column.storage !== null).map((column) => renderStorage(name, column));
  const attached = [...indexes, ...triggers].map((definition) => `${definition.replaceAll(' public.', ' ')};`);
  return [table, ...storage, ...attached].join('\n');
}

const renderStorage = (table: string, { name, storage }: CatalogueColumn): string =>
  `ALTER TABLE ${quote(table)} ALTER COLUMN ${quote(name)} SET STORAGE ${storage?.toUpperCase()};`;

function renderColumn(column: CatalogueColumn): string {
  const { name, type, nullable, identity } = column;
  return [
    `${quote(name)} ${type}`,
    ...(nullable ? [] : ['NOT NULL']),
    ...(identity === null ? [] : [`GENERATED ${identity.toUpperCase()} AS IDENTITY`]),
    ...(column.default === null ? [] : [`DEFAULT ${column.default}`]),
    ...(column.generated === null ? [] : [`GENERATED ALWAYS AS (${column.generated}) STORED`]),
  ].join(' ');
}

/** Words that PostgreSQL would read as something else. */
const RESERVED = new Set([
  'offset',
  'user',
  'order',
  'group',
  'limit',
  'primary',
  'references',
  'default',
  'check',
  'end',
  'to',
  'from',
]);

const quote = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name}"`);
