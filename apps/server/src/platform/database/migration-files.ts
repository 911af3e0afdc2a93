import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@groundcrew/kit';

/** One forward step of the schema: `NNNN_name.sql`. */
export interface Migration {
  number: number;
  /** The file's name. */
  name: string;
  sql: string;
  /** SHA-256 of the file in hex. */
  checksum: string;
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** The migrations of a folder in their order. Throws for a gap, a number taken twice or a file that is no migration. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  const migrations = await Promise.all(names.map((name) => readMigration(folder, name)));
  for (const [index, { name, number }] of migrations.entries()) {
    if (number !== index + 1) throw new Error(`Migration ${name} in ${folder} must have the number ${index + 1}.`);
  }
  return migrations;
}

async function readMigration(folder: string, name: string): Promise<Migration> {
  const number = FILE_NAME.exec(name)?.[1];
  if (number === undefined)
    throw new Error(`${join(folder, name)} is no migration: it must be named like 0002_add_labels.sql.`);
  const sql = await readFile(join(folder, name), 'utf8');
  return { number: Number(number), name, sql, checksum: sha256Hex(sql) };
}

/** Where the migrations that belong to this program are; in a bundle they lie among its assets. */
export const migrationsFolder = (): string => fileURLToPath(new URL('../../../migrations', import.meta.url));
