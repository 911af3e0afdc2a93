import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Executor } from '../../platform/database/index.ts';
import {
  createRows,
  type ForeignKey,
  type Row,
  readForeignKeys,
  readTables,
  type Table,
} from './foreign-keys-for-tests.ts';
import { CREDENTIALS } from './store.ts';

/** Tables that belong to the installation, and why. */
const OF_THE_INSTALLATION: Readonly<Record<string, string>> = {
  organizations: 'the tenants themselves',
  server_facts: 'facts about the installation: key check, identity of the database, secrets of the server',
  sign_in_limits: 'counts tries by hashes of what was typed and of addresses, before anybody knows whose they are',
  oidc_states: "hashes of sign-ons that were used; the provider is the installation's, and whose they are shows later",
};

/** Columns that are called like a reference and are none, and why. */
const NO_REFERENCE: Readonly<Record<string, string>> = {
  'agents.agent_id': 'the name that the agent chose for itself',
  'agents.machine_id': 'what the agent says of its machine',
  'agents.boot_id': 'what the agent says of its machine',
  'agents.folder_id': 'what the agent says of its folder',
  'agents.pool_token_id':
    'a token or a machine client; the references are registered_by_token and registered_by_client, made of it',
  'api_tokens.workspace_ids': 'takes rights away and gives none; every call looks among its own organisation',
  'machine_clients.workspace_ids': 'as with tokens',
  'attempts.lock_id': "Terraform's own",
  'workspaces.lock_id': "Terraform's own",
  'workspaces.locked_by_id': 'who locked it, of whatever kind; a word for people',
  'workspaces.k8s_config_id': 'has no table yet',
  'pools.last_agent_id': 'a hint where round_robin goes on; may be anything',
  'blobs.subject_id': 'what the blob was made for, of several kinds; the reference is the other way round',
  'events.subject_id': 'history of several kinds of things, which may be gone',
  'events.workspace_id': 'history, of things which may be gone',
  'audit.actor_id': 'history of several kinds of actors, which may be gone',
  'audit.subject_id': 'history of several kinds of things, which may be gone',
  'audit.credential_id': 'history of several kinds of credentials',
  'audit.request_id': 'names no row',
  'idempotency_keys.caller_id': 'of several kinds; with the organisation a part of the key',
  'idempotency_keys.claim_id': 'names no row',
};

let database: TestDatabase;
let db: Executor;
let tables: Map<string, Table>;
let keys: ForeignKey[];
beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  [tables, keys] = [await readTables(db), await readForeignKeys(db)];
});
afterAll(() => database.drop());

const ofTenants = (): Table[] => [...tables.values()].filter(({ name }) => !(name in OF_THE_INSTALLATION));

test('every table belongs to an organisation, or stands in the list with its reason', () => {
  const without = ofTenants().filter(
    ({ columns }) => columns.find(({ name }) => name === 'organization_id')?.needed !== true,
  );
  expect(without.map(({ name }) => name)).toEqual([]);
  expect(Object.keys(OF_THE_INSTALLATION).filter((name) => !tables.has(name))).toEqual([]);
});

test('every foreign key between tables of tenants carries the organisation on both sides', () => {
  const loose = keys
    .filter(({ parent }) => !(parent in OF_THE_INSTALLATION))
    .filter(({ columns, parentColumns }) => {
      const place = columns.indexOf('organization_id');
      return place < 0 || parentColumns[place] !== 'organization_id';
    });
  expect(loose.map(({ table, name }) => `${table}: ${name}`)).toEqual([]);
});

test('the organisation of every table is one that exists', () => {
  const anchored = new Set(
    keys
      .filter(({ columns, parent }) => columns.includes('organization_id') && parent !== 'server_facts')
      .map(({ table }) => table),
  );
  expect(ofTenants().filter(({ name }) => !anchored.has(name))).toEqual([]);
});

test('every column that is called like a reference is one, or stands in the list with its reason', () => {
  const references = new Set(keys.flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`)));
  const called = ofTenants().flatMap(({ name, columns }) =>
    columns.filter((column) => /_ids?$/.test(column.name)).map((column) => `${name}.${column.name}`),
  );
  expect(called.filter((column) => !references.has(column) && !(column in NO_REFERENCE))).toEqual([]);
});

test('closing revokes every kind of credential that the schema knows', async () => {
  const { rows } = await sql<{ table: string; column: string }>`SELECT table_name AS table, column_name AS column
    FROM information_schema.columns WHERE table_schema = 'public' AND column_name LIKE '%revoked_at'`.execute(db);
  expect(rows.map(({ table, column }) => `${table}.${column}`).sort()).toEqual(
    CREDENTIALS.map(([table, column]) => `${table}.${column}`).sort(),
  );
});

test('what an agent registered with is of its own organisation, be it a token or a machine client', async () => {
  for (const id of ['own', 'foreign'])
    await sql`WITH o AS (INSERT INTO organizations (id, name) VALUES (${`org-${id}`}, ${id}) RETURNING id),
      p AS (INSERT INTO pools (id, organization_id, name, pool_type, selection_strategy)
        SELECT ${`pool-${id}`}, id, 'p', 'static', 'random' FROM o RETURNING id, organization_id),
      t AS (INSERT INTO pool_tokens (id, organization_id, pool_id, token_hash) SELECT ${`ptok-${id}`}, organization_id, id, ${id} FROM p)
      INSERT INTO machine_clients (id, organization_id, name, app_key, secret_hash, role, created_by)
        SELECT ${`client-${id}`}, id, 'c', ${id}, '', 'member', 'x' FROM o`.execute(db);
  const register = (by: string) =>
    sql`INSERT INTO agents (id, organization_id, name, pool_id, pool_token_id)
      VALUES (${`agent-${by}`}, 'org-own', ${by}, 'pool-own', ${by})`.execute(db);
  for (const kind of ['ptok', 'client']) {
    await register(`${kind}-own`);
    for (const by of [`${kind}-foreign`, `${kind}-none`]) await expect(register(by)).rejects.toThrow('foreign key');
  }
});

/** Rules that have nothing to do with tenants would refuse rows made of nothing but types. */
async function dropOtherRules(): Promise<void> {
  const { rows } = await sql<{ statement: string }>`
    SELECT format('ALTER TABLE %I DROP CONSTRAINT %I', t.relname, c.conname) AS statement
      FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE c.contype = 'c' AND c.connamespace = 'public'::regnamespace
    UNION ALL SELECT format('ALTER TABLE %I ALTER COLUMN %I DROP EXPRESSION', t.relname, a.attname)
      FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid WHERE a.attgenerated = 's' AND t.relnamespace = 'public'::regnamespace
    UNION ALL SELECT format('DROP TRIGGER %I ON %I', g.tgname, t.relname)
      FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal`.execute(db);
  for (const { statement } of rows) await sql.raw(statement).execute(db);
}

test('the database refuses a row that points across tenants, for every foreign key', async () => {
  await dropOtherRules();
  for (const id of ['org-here', 'org-there'])
    await sql`INSERT INTO organizations (id, name) VALUES (${id}, ${id})`.execute(db);
  const rows = createRows(db, tables, keys);
  const outcomes: Record<string, string> = {};
  for (const key of keys.filter(({ parent }) => !(parent in OF_THE_INSTALLATION))) {
    const row = await rows.draft(key.table, 'org-here');
    const here = await rows.pointTo(key, 'org-here');
    const { organization_id: _other, ...there } = await rows.pointTo(key, 'org-there');
    const at = `${key.table} (${key.columns.join(', ')})`;
    outcomes[at] =
      `${await tryInsert(rows, key, { ...row, ...here })}, ${await tryInsert(rows, key, { ...row, ...here, ...there })}`;
  }
  expect(Object.keys(outcomes).length).toBeGreaterThan(25);
  expect(Object.entries(outcomes).filter(([, outcome]) => outcome !== 'taken, refused')).toEqual([]);
});

/** Tries it and takes it back. */
async function tryInsert(rows: ReturnType<typeof createRows>, key: ForeignKey, row: Row): Promise<string> {
  const back = new Error('back');
  try {
    await database.db.transaction().execute(async (tx) => {
      // Rows of the same key that stand there already are of no interest here.
      await sql`SET LOCAL session_replication_role = replica`.execute(tx);
      await sql`DELETE FROM ${sql.table(key.table)}`.execute(tx);
      await sql`SET LOCAL session_replication_role = origin`.execute(tx);
      await sql`SET CONSTRAINTS ALL IMMEDIATE`.execute(tx);
      await rows.insert(key.table, row, tx as Executor);
      throw back;
    });
    return 'never';
  } catch (error) {
    if (error === back) return 'taken';
    const message = error instanceof Error ? error.message : String(error);
    return message.includes(`violates foreign key constraint "${key.name}"`) ? 'refused' : message;
  }
}
