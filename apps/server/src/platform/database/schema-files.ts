import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeFileDurably } from '@groundcrew/kit';
import type { DatabaseAddress } from './address.ts';
import { readCatalogue } from './catalogue.ts';
import { connect } from './connect.ts';
import { renderSchema } from './render-schema.ts';
import { renderTables } from './render-tables.ts';

/** A file that is made from the migrated schema and committed. */
export interface SchemaFile {
  path: string;
  text: string;
}

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What the committed files should hold, according to a migrated database. */
export async function makeSchemaFiles(address: DatabaseAddress): Promise<SchemaFile[]> {
  const session = await connect(address, 'schema dump');
  try {
    const catalogue = await readCatalogue(session);
    return [
      { path: fromHere('../../../schema.sql'), text: renderSchema(catalogue) },
      { path: fromHere('./tables.ts'), text: renderTables(catalogue) },
    ];
  } finally {
    await session.end();
  }
}

/** Those whose committed text differs. */
export async function findOutdated(files: readonly SchemaFile[]): Promise<SchemaFile[]> {
  const committed = await Promise.all(files.map(({ path }) => readFile(path, 'utf8').catch(() => '')));
  return files.filter(({ text }, index) => text !== committed[index]);
}

export async function writeSchemaFiles(files: readonly SchemaFile[]): Promise<void> {
  for (const { path, text } of files) await writeFileDurably(path, text, 0o644);
}
