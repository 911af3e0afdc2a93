import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import { readCatalogue } from './catalogue.ts';
import { connect } from './connect.ts';
import { renderSchema } from './render-schema.ts';
import { renderTables } from './render-tables.ts';
import { findOutdated, makeSchemaFiles } from './schema-files.ts';

let database: TestDatabase;
afterEach(() => database.drop());

async function read() {
  const session = await connect(database.address, 'test');
  return readCatalogue(session).finally(() => session.end());
}

test('the committed schema and table types are what the migrations come to (else: schema-dump.ts --write)', async () => {
  database = await createTestDatabase();
  const outdated = await findOutdated(await makeSchemaFiles(database.address));
  expect(outdated.map(({ path }) => path)).toEqual([]);
});

test('a schema is told whole, in the order of names', async () => {
  database = await createTestDatabase({ empty: true });
  const { db } = database;
  await sql`CREATE TABLE zoo (id text PRIMARY KEY, "offset" bigint NOT NULL DEFAULT 0 CHECK ("offset" >= 0), UNIQUE ("offset", id))`.execute(
    db,
  );
  await sql`CREATE TABLE animals (seq bigint GENERATED ALWAYS AS IDENTITY, zoo text REFERENCES zoo ON DELETE CASCADE, photo bytea,
    sign text GENERATED ALWAYS AS (upper(zoo)) STORED, born timestamptz NOT NULL DEFAULT now(), tags jsonb, names text[]) WITH (fillfactor = 70)`.execute(
    db,
  );
  await sql`ALTER TABLE animals ALTER COLUMN photo SET STORAGE EXTERNAL`.execute(db);
  await sql`CREATE INDEX animals_by_zoo ON animals (zoo, lower(zoo)) WHERE photo IS NULL`.execute(db);
  await sql`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`.execute(db);
  await sql`CREATE TRIGGER zoo_stays BEFORE DELETE ON zoo FOR EACH ROW EXECUTE FUNCTION refuse()`.execute(db);
  const catalogue = await read();
  expect(renderSchema(catalogue)).toContain('CREATE OR REPLACE FUNCTION refuse()');
  expect(renderSchema(catalogue)).toContain(`CREATE TABLE animals (
  seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  zoo text,
  photo bytea,
  sign text GENERATED ALWAYS AS (upper(zoo)) STORED,
  born timestamp with time zone NOT NULL DEFAULT now(),
  tags jsonb,
  names text[],
  CONSTRAINT animals_zoo_fkey FOREIGN KEY (zoo) REFERENCES zoo(id) ON DELETE CASCADE
) WITH (fillfactor=70);
ALTER TABLE animals ALTER COLUMN photo SET STORAGE EXTERNAL;
CREATE INDEX animals_by_zoo ON animals USING btree (zoo, lower(zoo)) WHERE (photo IS NULL);

CREATE TABLE zoo (
  id text NOT NULL,
  "offset" bigint NOT NULL DEFAULT 0,
  CONSTRAINT zoo_pkey PRIMARY KEY (id),
  CONSTRAINT zoo_offset_check CHECK (("offset" >= 0)),
  CONSTRAINT zoo_offset_id_key UNIQUE ("offset", id)
);
CREATE TRIGGER zoo_stays BEFORE DELETE ON zoo FOR EACH ROW EXECUTE FUNCTION refuse();
`);
  expect(renderTables(catalogue)).toContain(`interface AnimalsTable {
  seq: GeneratedAlways<number>;
  zoo: string | null;
  photo: Buffer | null;
  sign: GeneratedAlways<string | null>;
  born: Generated<Timestamp>;
  tags: Json | null;
  names: string[] | null;
}`);
});

test('the dump can be read back by PostgreSQL and comes to the same', async () => {
  database = await createTestDatabase();
  // Tables stand in the order of names, so that one may refer to a later one.
  const schema = renderSchema(await read())
    .replace(/,\n {2}CONSTRAINT \S+ FOREIGN KEY .*?(?=,?\n)/g, '')
    // A new table has no old rows to spare.
    .replaceAll(' NOT VALID', '');
  await database.drop();
  database = await createTestDatabase({ empty: true });
  const session = await connect(database.address, 'test');
  await session.query(schema);
  await session.end();
  expect(renderSchema(await read())).toBe(schema);
});

test.each([
  ['view "v"', sql`CREATE VIEW v AS SELECT 1 AS one`],
  ['procedure "p"', sql`CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'`],
  ['sequence "s"', sql`CREATE SEQUENCE s`],
  ['type "e"', sql`CREATE TYPE e AS ENUM ('a')`],
])('what the dump could not show is an error: %s', async (name, statement) => {
  database = await createTestDatabase({ empty: true });
  await statement.execute(database.db);
  await expect(read()).rejects.toThrow(name);
});
