import type { Catalogue, CatalogueColumn, CatalogueTable } from './catalogue.ts';

const HEAD = `// The tables as kysely knows them. Made from the migrated schema by schema-dump.ts --write; do not edit.
import type { ColumnType, GeneratedAlways } from 'kysely';

/** A column that may be left out of an INSERT. */
type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>;
/** Read as whatever it holds; written as JSON text. */
type Json = ColumnType<unknown, string, string>;
type Timestamp = ColumnType<Date, Date | string, Date | string>;`;

/** TypeScript for PostgreSQL's types, as the type parsers give them. */
const TYPES: Readonly<Record<string, string>> = {
  text: 'string',
  boolean: 'boolean',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  'double precision': 'number',
  numeric: 'string',
  bytea: 'Buffer',
  jsonb: 'Json',
  'timestamp with time zone': 'Timestamp',
};

/** The source of `tables.ts`. Pure. */
export function renderTables({ tables }: Catalogue): string {
  const rows = tables.map(({ name }) => `  ${name}: ${interfaceName(name)};`);
  const all = `/** Every table by name. */\nexport interface Tables {\n${rows.join('\n')}\n}`;
  return `${[HEAD, ...tables.map(renderTable), all].join('\n\n')}\n`;
}

const renderTable = ({ name, columns }: CatalogueTable): string =>
  `interface ${interfaceName(name)} {\n${columns.map((column) => `  ${column.name}: ${renderColumn(name, column)};`).join('\n')}\n}`;

function renderColumn(table: string, column: CatalogueColumn): string {
  const type = TYPES[column.type.replace(/\[\]$/, '').replace(/\(\d+\)/, '')];
  if (type === undefined)
    throw new Error(
      `Column ${table}.${column.name} has the type ${column.type}, which platform/database/render-tables.ts does not know yet.`,
    );
  const whole = `${type}${column.type.endsWith('[]') ? '[]' : ''}${column.nullable ? ' | null' : ''}`;
  if (column.identity === 'always' || column.generated !== null) return `GeneratedAlways<${whole}>`;
  return column.default !== null || column.identity !== null ? `Generated<${whole}>` : whole;
}

/** `state_versions` → `StateVersionsTable`. */
const interfaceName = (table: string): string =>
  `${table
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Table`;
