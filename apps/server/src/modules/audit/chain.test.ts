import { createLogger, newId } from '@groundcrew/kit';
import type { AuditHeadAnswer, AuditLine, AuditVerdict, OrganizationId } from '@groundcrew/protocol';
import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type Database, transaction } from '../../platform/database/index.ts';
import { createExport } from './export.ts';
import { createAuditKeys, createAuditModule, createAuditPen, createRecordChange } from './index.ts';
import { createSealer, type Sealer } from './seal.ts';
import { verifyLines } from './verify.ts';

const logger = createLogger({ name: 'test', level: 'silent' as 'error' });
const keys = createAuditKeys(Buffer.alloc(32, 7));
const pen = createAuditPen(keys, logger);
const recordChange = createRecordChange(async () => {}, pen);

let database: TestDatabase;
let db: Database;
let sealer: Sealer;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ address: database.address, logger });
  sealer = createSealer({ db, keys, logger });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const write = (organizationId: string, name: string) => transaction(db, (tx) => record(tx, organizationId, name));

const record = (tx: Parameters<typeof recordChange>[0], organizationId: string, name: string) =>
  recordChange(tx, {
    caller: { kind: 'system', organizationId, name: 'test' },
    action: 'create',
    noun: 'workspace',
    subjectId: `ws-${name}`,
    subjectName: name,
    after: { name, number: 1.5e300, text: 'ä\u2028\ud800\u0000"', token: 'hunter2' },
  });

/** A new organisation with five sealed entries. */
async function organisation(): Promise<OrganizationId> {
  const id = newId('org') as OrganizationId;
  await db.insertInto('organizations').values({ id, name: id }).execute();
  for (const name of ['one', 'two', 'three', 'four', 'five']) await write(id, name);
  await sealer.seal();
  return id;
}

const lines = (id: OrganizationId) => createExport({ db, keys, sealer }).lines(id);
const verify = (id: OrganizationId, anchor?: AuditHeadAnswer | { position: number; hash: string }) =>
  verifyLines(lines(id), { publicKey: keys.publicKey, anchor });

/** As a superuser does who switches off whatever stands in the way. */
async function tamper(...statements: string[]): Promise<void> {
  await transaction(db, async (tx) => {
    await sql`SET LOCAL session_replication_role = replica`.execute(tx);
    for (const statement of statements) await sql.raw(statement).execute(tx);
  });
}

const seqOf = (id: string, position: number) =>
  `(SELECT seq FROM audit_chain WHERE organization_id = '${id}' AND position = ${position})`;

test('an untouched log is intact, whatever stands in it, and holds no secret', async () => {
  const id = await organisation();
  expect(await verify(id)).toMatchObject({ intact: true, entries: 5, position: 5, problem: null });
  const text = JSON.stringify(await collect(lines(id)));
  expect(text).not.toContain('hunter2');
  expect(await verify(await organisation())).toMatchObject({ intact: true, entries: 5 });
});

test('every change is refused by the database itself', async () => {
  const id = await organisation();
  const refused = async (statement: string) =>
    expect(sql.raw(statement).execute(database.db), statement).rejects.toThrow(/only (grows|moves forward)/);
  for (const table of ['audit', 'audit_chain', 'audit_heads', 'audit_gaps']) {
    await refused(`TRUNCATE ${table} CASCADE`);
    if (table === 'audit_gaps') continue;
    await refused(`DELETE FROM ${table} WHERE organization_id = '${id}'`);
    await refused(`UPDATE ${table} SET organization_id = organization_id WHERE organization_id = '${id}'`);
  }
  expect(await verify(id)).toMatchObject({ intact: true });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

type Tampering = [
  what: string,
  statements: (id: string) => string[],
  problem: { position?: number | null; message: RegExp },
];

const insertCopy = (id: string, more = '', columns = '') =>
  `INSERT INTO audit (organization_id, at, actor_kind, actor_name, action, noun, stamp${more && ', '}${more}) OVERRIDING SYSTEM VALUE
   SELECT organization_id, at, actor_kind, actor_name, action, noun, stamp${columns && ', '}${columns} FROM audit WHERE seq = ${seqOf(id, 2)}`;

test.each<Tampering>([
  [
    'an altered field',
    (id) => [`UPDATE audit SET actor_name = 'somebody else' WHERE seq = ${seqOf(id, 3)}`],
    { position: 3, message: /Entry 3 \(create, .*\) was altered/ },
  ],
  [
    'an altered value inside',
    (id) => [`UPDATE audit SET after = jsonb_set(after, '{name}', '"x"') WHERE seq = ${seqOf(id, 5)}`],
    { position: 5, message: /Entry 5 .* was altered/ },
  ],
  [
    'an altered time',
    (id) => [`UPDATE audit SET at = at + interval '1 ms' WHERE seq = ${seqOf(id, 1)}`],
    { position: 1, message: /Entry 1 .* was altered/ },
  ],
  [
    'a removed entry',
    (id) => [`DELETE FROM audit WHERE seq = ${seqOf(id, 2)}`],
    { position: 2, message: /Entry 2 was removed/ },
  ],
  [
    'an entry removed with its place',
    (id) => [
      `DELETE FROM audit WHERE seq = ${seqOf(id, 4)}`,
      `DELETE FROM audit_chain WHERE organization_id = '${id}' AND position = 4`,
    ],
    { position: 4, message: /Entry 4 is missing: the log goes on with 5/ },
  ],
  [
    'a removed entry with the others moved up',
    (id) => [
      `DELETE FROM audit WHERE seq = ${seqOf(id, 3)}`,
      `DELETE FROM audit_chain WHERE organization_id = '${id}' AND position = 3`,
      `UPDATE audit_chain SET position = position - 1 WHERE organization_id = '${id}' AND position > 3`,
    ],
    { position: 3, message: /Entry 3 .* was altered/ },
  ],
  [
    'two entries that changed places',
    (id) => [
      `UPDATE audit_chain SET position = -2 WHERE false`,
      `ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_position_check`,
      `UPDATE audit_chain SET position = -2 WHERE organization_id = '${id}' AND position = 2`,
      `UPDATE audit_chain SET position = 2 WHERE organization_id = '${id}' AND position = 4`,
      `UPDATE audit_chain SET position = 4 WHERE organization_id = '${id}' AND position = -2`,
      `ALTER TABLE audit_chain ADD CONSTRAINT audit_chain_position_check CHECK (position > 0)`,
    ],
    { position: 2, message: /Entry 2 .* was altered/ },
  ],
  [
    'an entry at the end that the server did not write',
    (id) => [
      `INSERT INTO audit (organization_id, actor_kind, actor_name, action, noun, stamp) VALUES ('${id}', 'user', 'mallory', 'approve', 'task', 'made.up')`,
    ],
    { position: null, message: /Row \d+ \(approve, .*the server did not write it/ },
  ],
  [
    'a copy of an entry',
    (id) => [insertCopy(id)],
    { position: null, message: /is not part of the chain: it is a copy of an entry/ },
  ],
  [
    'an entry with a number from before',
    (id) => [insertCopy(id, 'seq', '-seq')],
    { position: null, message: /is not part of the chain/ },
  ],
  [
    'a cut off tail',
    (id) => [
      `DELETE FROM audit WHERE seq IN (SELECT seq FROM audit_chain WHERE organization_id = '${id}' AND position > 3)`,
      `DELETE FROM audit_chain WHERE organization_id = '${id}' AND position > 3`,
    ],
    { position: 4, message: /cut off: it ends with entry 3, and its head stands at 5/ },
  ],
  [
    'a cut off tail with the head moved back',
    (id) => [
      `DELETE FROM audit WHERE seq IN (SELECT seq FROM audit_chain WHERE organization_id = '${id}' AND position > 3)`,
      `DELETE FROM audit_chain WHERE organization_id = '${id}' AND position > 3`,
      `UPDATE audit_heads h SET position = 3, hash = c.hash FROM audit_chain c
        WHERE c.organization_id = '${id}' AND c.position = 3 AND h.organization_id = '${id}'`,
    ],
    { position: 3, message: /head at 3 is not signed by the server/ },
  ],
  [
    'a removed head',
    (id) => [`DELETE FROM audit_heads WHERE organization_id = '${id}'`],
    { position: 0, message: /head at 0 is not the one of this chain, which ends at 5|not signed/ },
  ],
  [
    'a gap that nobody signed',
    (id) => [
      `INSERT INTO audit_gaps SELECT '${id}', 1, 2, repeat('0', 64), hash, now(), 'mallory', '', 'AAAA'
        FROM audit_chain WHERE organization_id = '${id}' AND position = 2`,
      `DELETE FROM audit WHERE seq IN (${seqOf(id, 1)}, ${seqOf(id, 2)})`,
      `DELETE FROM audit_chain WHERE organization_id = '${id}' AND position < 3`,
    ],
    { position: 1, message: /removed entries 1 to 2 is not signed/ },
  ],
])('names %s', async (_what, statements, { position, message }) => {
  const id = await organisation();
  await tamper(...statements(id));
  const verdict: AuditVerdict = await verify(id);
  expect(verdict.problem?.message).toMatch(message);
  expect(verdict.intact).toBe(false);
  expect(verdict.problem?.position).toBe(position);
});

test('a chain that was cut off and signed anew is shown by a head that was kept elsewhere', async () => {
  const id = await organisation();
  const { position, hash } = await createExport({ db, keys, sealer }).readHead(id);
  expect(await verify(id, { position, hash })).toMatchObject({ intact: true });
  await tamper(
    `DELETE FROM audit WHERE organization_id = '${id}'`,
    `DELETE FROM audit_chain WHERE organization_id = '${id}'`,
    `DELETE FROM audit_heads WHERE organization_id = '${id}'`,
  );
  expect((await verify(id)).intact).toBe(true);
  expect((await verify(id, { position, hash })).problem?.message).toMatch(
    /the anchor knows entry 5, and the log ends at 0/,
  );
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await write(id, name);
  expect((await verify(id, { position, hash })).problem?.message).toMatch(/Entry 5 has another hash than the anchor/);
});

test('rows from before the stamps are chained once, and none is believed after the first stamp', async () => {
  const id = newId('org') as OrganizationId;
  await db.insertInto('organizations').values({ id, name: id }).execute();
  const insertOld = `ALTER TABLE audit DROP CONSTRAINT audit_stamped;
    INSERT INTO audit (organization_id, actor_kind, actor_name, action, noun) VALUES ('${id}', 'system', 'old', 'create', 'user');
    ALTER TABLE audit ADD CONSTRAINT audit_stamped CHECK (stamp IS NOT NULL) NOT VALID`;
  for (const statement of insertOld.split(';')) await sql.raw(statement).execute(database.db);
  await sealer.seal();
  await write(id, 'new');
  expect(await verify(id)).toMatchObject({ intact: true, entries: 2 });
  for (const statement of insertOld.split(';')) await sql.raw(statement).execute(database.db);
  expect((await verify(id)).problem?.message).toMatch(/the server did not write it/);
});

test('an entry that is committed late finds its place, and writers do not wait for each other', async () => {
  const id = await organisation();
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const late = transaction(db, async (tx) => {
    await record(tx, id, 'late');
    begun.resolve();
    await held.promise;
  });
  await begun.promise;
  await write(id, 'early');
  await sealer.seal();
  await sealer.seal();
  expect(await verify(id)).toMatchObject({ intact: true, position: 6 });
  held.resolve();
  await late;
  await sealer.seal();
  expect(await verify(id)).toMatchObject({ intact: true, position: 7 });
});

test('sealers of several replicas at once give every entry one place', async () => {
  const id = await organisation();
  const replicas = Array.from({ length: 4 }, () => createSealer({ db, keys, logger }));
  await Promise.all([
    ...Array.from({ length: 40 }, (_, number) => write(id, `w${number}`)),
    ...replicas.map((replica) => replica.seal({ wait: false })),
    ...replicas.map((replica) => replica.seal()),
  ]);
  expect(await verify(id)).toMatchObject({ intact: true, position: 45 });
});

test('a part can be exported and verified on its own', async () => {
  const id = await organisation();
  const all = await collect(lines(id));
  const third = all[3] as Extract<AuditLine, { line: 'entry' }>;
  const part = createExport({ db, keys, sealer }).lines(id, third.at);
  expect(await verifyLines(part, {})).toMatchObject({ intact: true, position: 5 });
});

test('old entries are removed with a signed record, twice, and the rest still proves itself', async () => {
  const id = await organisation();
  const audit = createAuditModule({ db, pen, logger });
  const anchors: { position: number; hash: string }[] = [];
  for (const { position, hash } of await db
    .selectFrom('audit_chain')
    .selectAll()
    .where('organization_id', '=', id)
    .execute())
    anchors.push({ position, hash });
  const options = { reason: 'kept for a year', by: 'ann' };
  expect(await audit.prune(id, { ...options, before: new Date(0) })).toBeUndefined();
  expect(await audit.prune(id, { ...options, before: await timeOf(id, 3) })).toMatchObject({ to_position: 2 });
  expect(await audit.prune(id, { ...options, before: new Date() })).toMatchObject({ from_position: 3, to_position: 5 });
  expect(await verify(id)).toMatchObject({ intact: true, removed: 5, entries: 2, position: 7 });
  for (const anchor of anchors) expect(await verify(id, anchor)).toMatchObject({ intact: true });
  expect((await verify(id, { position: 5, hash: 'f'.repeat(64) })).intact).toBe(false);
  await expect(sql`DELETE FROM audit WHERE organization_id = ${id}`.execute(database.db)).rejects.toThrow('only grows');
  await tamper(`UPDATE audit_gaps SET reason = 'other' WHERE organization_id = '${id}' AND from_position = 3`);
  expect((await verify(id)).problem?.message).toMatch(/removed entries 3 to 5 is not signed/);
  await expect(audit.prune(id, { ...options, before: new Date() })).rejects.toThrow('not intact');
});

async function timeOf(id: string, position: number): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`SELECT at FROM audit WHERE seq = ${sql.raw(seqOf(id, position))}`.execute(
    db,
  );
  return rows[0]?.at as Date;
}
