import { createLogger } from '@groundcrew/kit';
import { createTestDatabase, type TestDatabase, waitFor } from '@groundcrew/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connect, type Session } from '../database/index.ts';
import { createLeadership, type Leadership } from './leadership.ts';

const logger = createLogger({ name: 'test', level: 'silent' });

let database: TestDatabase;
let watcher: Session;
const replicas: Leadership[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  watcher = await connect(database.address, 'test');
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.close()));
  await waitFor('their sessions to end', async () => (await countSessions()) === 0);
});
afterAll(async () => {
  await watcher.end();
  await database.drop();
});

const SESSIONS =
  "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'groundcrew leadership'";
const countSessions = async () => (await watcher.query(`SELECT ${SESSIONS}`)).rowCount;
const endSessions = () => watcher.query(`SELECT pg_terminate_backend(pid) ${SESSIONS}`);

function createReplica(): Leadership {
  const replica = createLeadership({ address: database.address, logger });
  replicas.push(replica);
  return replica;
}

test('of many replicas one leads, name by name', async () => {
  const all = Array.from({ length: 8 }, createReplica);
  const leads = await Promise.all(
    all.flatMap((replica) => [replica.tryLead('dispatcher'), replica.tryLead('sweeper')]),
  );
  expect(leads.filter((lead) => lead !== undefined)).toHaveLength(2);
});

test('a lead is confirmed to who has it, and free once given up', async () => {
  const [one, two] = [createReplica(), createReplica()];
  const lead = await one.tryLead('dispatcher');
  expect(await one.tryLead('dispatcher')).toBe(lead);
  expect(await two.tryLead('dispatcher')).toBeUndefined();
  await one.resign('dispatcher');
  expect(lead?.aborted).toBe(true);
  expect(await two.tryLead('dispatcher')).toBeDefined();
});

test('who loses the session loses the lead, and may win it again', async () => {
  const one = createReplica();
  const lead = await one.tryLead('dispatcher');
  await endSessions();
  await waitFor('the loss', () => lead?.aborted);
  const again = await waitFor('a new lead', () => one.tryLead('dispatcher'));
  expect(again).not.toBe(lead);
  expect(again.aborted).toBe(false);
});

test('closing gives everything back, and nothing is won afterwards', async () => {
  const [one, two] = [createReplica(), createReplica()];
  const lead = await one.tryLead('dispatcher');
  await one.close();
  expect(lead?.aborted).toBe(true);
  expect(await one.tryLead('dispatcher')).toBeUndefined();
  await waitFor('the lead', () => two.tryLead('dispatcher'));
});

test('nobody leads while the database is away', async () => {
  const lost = createLeadership({
    address: { host: '/nowhere', port: 1, user: 'a', password: 'b', database: 'c' },
    logger,
  });
  expect(await lost.tryLead('dispatcher')).toBeUndefined();
  await lost.close();
});
