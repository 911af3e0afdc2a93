import { createLogger, newId } from '@groundcrew/kit';
import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDatabase, type Database, transaction } from '../../platform/database/index.ts';
import { createAuditKeys, createAuditModule, createAuditPen, createRecordChange } from './index.ts';

const logger = createLogger({ name: 'test', level: 'silent' as 'error' });
const keys = createAuditKeys(Buffer.alloc(32, 7));

let database: TestDatabase;
let db: Database;
let organizationId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ address: database.address, logger });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  organizationId = newId('org');
  await db.insertInto('organizations').values({ id: organizationId, name: organizationId }).execute();
});

/** A replica: what it writes it remembers by itself. */
function startReplica() {
  const pen = createAuditPen(keys, logger);
  const recordChange = createRecordChange(async () => {}, pen);
  const audit = createAuditModule({ db, pen, logger });
  const caller = { kind: 'system', organizationId, name: 'test' } as const;
  const write = (name: string) =>
    transaction(db, (tx) =>
      recordChange(tx, { caller, action: 'delete', noun: 'workspace', subjectId: name, after: { name, n: 1.5 } }),
    );
  return { audit, caller, recordChange, write, remembered: () => pen.memory.list().length };
}

/** As a superuser does who switches off whatever stands in the way. */
async function tamper(statement: string): Promise<void> {
  await transaction(db, async (tx) => {
    await sql`SET LOCAL session_replication_role = replica`.execute(tx);
    await sql.raw(statement).execute(tx);
  });
}
const rowOf = (subject: string) => `organization_id = '${organizationId}' AND subject_id = '${subject}'`;
const entries = () =>
  db
    .selectFrom('audit')
    .select(['actor_name', 'action', 'subject_id', 'after'])
    .where('organization_id', '=', organizationId)
    .orderBy('seq')
    .execute();

test('an entry that is taken away before it is sealed is told of by the replica that wrote it', async () => {
  const { audit, write, remembered } = startReplica();
  await write('kept');
  await write('gone');
  await tamper(`DELETE FROM audit WHERE ${rowOf('gone')}`);
  await audit.sealer.seal();
  await audit.witness.look();
  const testimony = { actor_name: 'audit witness', action: 'lose_audit_entry', subject_id: organizationId };
  expect((await entries()).slice(1)).toMatchObject([
    { ...testimony, after: { action: 'delete', subject_id: 'gone', after: { name: 'gone' } } },
  ]);
  expect(remembered()).toBe(1);
  await audit.sealer.seal();
  await audit.witness.look();
  expect(remembered()).toBe(0);
  expect(await entries()).toHaveLength(2);
  expect(await audit.verify(organizationId as never)).toMatchObject({ intact: true, entries: 2 });
});

test.each([
  ['altered', `UPDATE audit SET after = '{"name":"x"}'`],
  ['marked anew', `UPDATE audit SET stamp = 'a.b'`],
])('one that is %s and then taken away once its neighbours are sealed leaves a trace as well', async (_, statement) => {
  const { audit, write } = startReplica();
  await write('touched');
  await tamper(`${statement} WHERE ${rowOf('touched')}`);
  await audit.sealer.seal();
  await audit.witness.look();
  await tamper(`DELETE FROM audit WHERE ${rowOf('touched')}`);
  await audit.sealer.seal();
  await audit.witness.look();
  expect((await entries()).map(({ action }) => action)).toEqual(['lose_audit_entry']);
});

test('what was rolled back or still waits is told of by nobody, and what another replica sealed is forgotten', async () => {
  const [one, other] = [startReplica(), startReplica()];
  const { caller, recordChange } = one;
  const rolledBack = transaction(db, async (tx) => {
    await recordChange(tx, { caller, action: 'delete', noun: 'workspace', subjectId: 'never' });
    throw new Error('no');
  });
  await expect(rolledBack).rejects.toThrow('no');
  expect(one.remembered()).toBe(0);
  await one.write('waits');
  await one.audit.witness.look();
  expect(one.remembered()).toBe(1);
  await other.audit.sealer.seal();
  await one.audit.witness.look();
  expect(one.remembered()).toBe(0);
  expect((await entries()).map(({ subject_id }) => subject_id)).toEqual(['waits']);
});

test('where the chain is broken nobody testifies again and again', async () => {
  const { audit, write, remembered } = startReplica();
  await write('first');
  await audit.sealer.seal();
  await tamper(`UPDATE audit_heads SET hash = 'x' WHERE organization_id = '${organizationId}'`);
  await write('second');
  for (let n = 0; n < 3; n += 1) {
    await audit.sealer.seal();
    await audit.witness.look();
  }
  expect(remembered()).toBe(0);
  expect(await entries()).toHaveLength(2);
});

test('a database that swallows entries makes no changes', async () => {
  const { write } = startReplica();
  await transaction(db, async (tx) => {
    await sql`CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`.execute(tx);
    await sql`CREATE TRIGGER swallow BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION swallow()`.execute(tx);
  });
  try {
    await expect(write('swallowed')).rejects.toThrow('took no entry');
  } finally {
    await sql`DROP FUNCTION swallow CASCADE`.execute(db);
  }
});
