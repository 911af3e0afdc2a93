// node apps/server/src/platform/database/schema-dump.ts --write | --check
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@groundcrew/kit';
import { createEmbeddedPostgres } from '../embedded-postgres/index.ts';
import { migrate } from './migrate.ts';
import { findOutdated, makeSchemaFiles, type SchemaFile, writeSchemaFiles } from './schema-files.ts';

/** Migrates an empty database of its own and hands its schema's files over. */
async function withSchemaFiles<T>(use: (files: SchemaFile[]) => Promise<T>): Promise<T> {
  const homeDir = await mkdtemp(join(tmpdir(), 'groundcrew-schema-'));
  const postgres = createEmbeddedPostgres({ homeDir, logger: createLogger({ name: 'schema-dump', level: 'error' }) });
  try {
    const address = await postgres.start();
    await migrate(address);
    return await use(await makeSchemaFiles(address));
  } finally {
    await postgres.stop();
    await rm(homeDir, { recursive: true, force: true });
  }
}

async function check(files: SchemaFile[]): Promise<string> {
  const outdated = await findOutdated(files);
  if (outdated.length === 0) return 'The committed schema is what the migrations come to.';
  process.exitCode = 1;
  return `Not what the migrations come to: ${outdated.map(({ path }) => path).join(', ')}. Run schema-dump.ts --write and commit the result.`;
}

async function write(files: SchemaFile[]): Promise<string> {
  await writeSchemaFiles(files);
  return `Wrote ${files.map(({ path }) => path).join(' and ')}.`;
}

const action = { '--check': check, '--write': write }[process.argv[2] ?? ''];
if (action === undefined) throw new Error('Say --write or --check.');
process.stdout.write(`${await withSchemaFiles(action)}\n`);
