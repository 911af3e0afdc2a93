import { createLogger } from '@groundcrew/kit';
import { createTestDatabase, type TestDatabase, waitFor } from '@groundcrew/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connect, type Session, transaction } from '../database/index.ts';
import type { Bus } from './bus.ts';
import { createBus } from './linked-bus.ts';
import { createLocalBus } from './local-bus.ts';

type LinkedBus = ReturnType<typeof createBus>;

const logger = createLogger({ name: 'test', level: 'silent' });

let database: TestDatabase;
let watcher: Session;
const buses: LinkedBus[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  watcher = await connect(database.address, 'test');
});
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
});
afterAll(async () => {
  await watcher.end();
  await database.drop();
});

async function startReplica(): Promise<LinkedBus> {
  const bus = createBus({ address: database.address, logger });
  buses.push(bus);
  await bus.start();
  return bus;
}

function record(bus: Bus, channel: string) {
  const heard: string[] = [];
  let missed = 0;
  const unsubscribe = bus.subscribe(
    channel,
    (id) => heard.push(id),
    () => {
      missed += 1;
    },
  );
  return { heard, missed: () => missed, unsubscribe };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('delivers to the channel within the process, each wake-up once however often it is published in one go', async () => {
  const bus = createLocalBus(logger);
  const [a, b] = [record(bus, 'a'), record(bus, 'b')];
  for (const id of ['1', '2', '1', '1']) bus.publish('a', id);
  expect(a.heard).toEqual([]);
  await settle();
  expect(a.heard).toEqual(['1', '2']);
  bus.publish('a', '1');
  await settle();
  expect(a.heard).toEqual(['1', '2', '1']);
  expect(b.heard).toEqual([]);
  a.unsubscribe();
  bus.publish('a', '3');
  await settle();
  expect(a.heard).toHaveLength(3);
});

test('a listener that throws, leaves or joins while others are told does them no harm', async () => {
  const bus = createLocalBus(logger);
  bus.subscribe('a', () => {
    throw new Error('no');
  });
  const leaving = bus.subscribe('a', () => leaving());
  bus.subscribe('a', () => void bus.subscribe('a', () => {}));
  const last = record(bus, 'a');
  bus.publish('a', '1');
  await settle();
  expect(last.heard).toEqual(['1']);
});

test('a listener is no part of the transaction that published', async () => {
  const { db } = database;
  const bus = createLocalBus(logger);
  const reading = new Promise<unknown>((resolve) => {
    bus.subscribe('a', () => resolve(db.selectFrom('organizations').select('id').execute()));
  });
  await transaction(db, async () => {
    bus.publish('a', '1');
    await reading;
  });
  expect(await reading).toEqual([]);
});

test('wakes other replicas, and hears nothing of itself twice', async () => {
  const [one, two] = [await startReplica(), await startReplica()];
  const [here, there] = [record(one, 'tasks'), record(two, 'tasks')];
  one.publish('tasks', 'task-1');
  one.publish('other', 'x');
  await waitFor('the wake-up', () => there.heard.length > 0);
  two.publish('tasks', 'task-2');
  await waitFor('the answer', () => here.heard.includes('task-2'));
  expect(here.heard).toEqual(['task-1', 'task-2']);
  expect(there.heard).toEqual(['task-1', 'task-2']);
});

test('thousands at once arrive, in few statements', async () => {
  const [one, two] = [await startReplica(), await startReplica()];
  const there = record(two, 'tasks');
  for (let index = 0; index < 5000; index += 1) one.publish('tasks', `task-${index}`);
  await waitFor('all of them', () => there.heard.length === 5000);
  expect(new Set(there.heard).size).toBe(5000);
});

test('one that was cut off comes back by itself and tells that something may have been missed', async () => {
  const [one, two] = [await startReplica(), await startReplica()];
  const there = record(two, 'tasks');
  const missedBefore = there.missed();
  await watcher.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'groundcrew bus'",
  );
  one.publish('tasks', 'lost');
  await waitFor('word of it', () => there.missed() > missedBefore);
  await waitFor('a wake-up', () => {
    one.publish('tasks', 'task-1');
    return there.heard.length > 0;
  });
  expect(there.heard).not.toContain('lost');
});

test('publishing never waits for, or fails with, a database that is away', async () => {
  const bus = createBus({ address: { host: '/nowhere', port: 1, user: 'a', password: 'b', database: 'c' }, logger });
  void bus.start();
  const here = record(bus, 'tasks');
  bus.publish('tasks', 'task-1');
  await settle();
  expect(here.heard).toEqual(['task-1']);
  await bus.close();
});

test('after close no session is left', async () => {
  const bus = await startReplica();
  await bus.close();
  const { rows } = await watcher.query(
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'groundcrew bus'",
  );
  expect(rows).toEqual([]);
});
