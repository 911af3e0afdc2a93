import { createLogger, newId } from '@groundcrew/kit';
import { createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { Counter, Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Executor, transaction } from '../../platform/database/index.ts';
import { EncryptionError, type Sealer } from '../../platform/encryption/index.ts';
import { AppError } from '../../platform/http/index.ts';
import { startLoop } from '../../platform/loops/index.ts';
import { createPlatformMetrics } from '../../platform/metrics/index.ts';
import type { RecordChange } from '../audit/index.ts';
import { countChanges } from './change-metrics.ts';
import { findValue, parseExposition } from './exposition-for-tests.ts';
import { createHeartbeatWatch } from './heartbeat-watch.ts';

let database: TestDatabase;
const [organization_id, pool_id] = [newId('org'), newId('pool')];
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await db.insertInto('organizations').values({ id: organization_id, name: 'one' }).execute();
  const pool = { id: pool_id, organization_id, name: 'p', pool_type: 'static', selection_strategy: 'round_robin' };
  await db.insertInto('pools').values(pool).execute();
});
afterAll(() => database.drop());

const readerOf = (registry: Registry) => async (name: string, labels?: Record<string, string>) =>
  findValue(parseExposition(await registry.metrics()), name, labels);

test('an agent that falls silent is counted once per silence, and not when it said that it leaves', async () => {
  const { db } = database;
  const registry = new Registry();
  const timeouts = new Counter({
    name: 'iac_silences_total',
    help: '-',
    labelNames: ['pool_id'],
    registers: [registry],
  });
  const [read, look] = [readerOf(registry), createHeartbeatWatch(db, timeouts)];
  const counted = () => read('iac_silences_total', { pool_id });
  const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000);
  const addAgent = async (name: string, last_heartbeat_at: Date | null, last_heartbeat: object | null = null) => {
    const agent = { id: newId('agent'), organization_id, pool_id, name, last_heartbeat_at };
    await db
      .insertInto('agents')
      .values({ ...agent, last_heartbeat: last_heartbeat && JSON.stringify(last_heartbeat) })
      .execute();
    return (at: Date) => db.updateTable('agents').set({ last_heartbeat_at: at }).where('id', '=', agent.id).execute();
  };
  await addAgent('long gone', secondsAgo(500));
  await addAgent('never heard of', null);
  await look();
  expect(await counted()).toBe(0);

  const hear = await addAgent('falls silent', secondsAgo(89.9));
  await addAgent('leaves', secondsAgo(89.9), { draining: true });
  await addAgent('talks', secondsAgo(1));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await look();
  await look();
  expect(await counted()).toBe(1);

  await hear(secondsAgo(1));
  await look();
  await hear(secondsAgo(89.9));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await look();
  expect(await counted()).toBe(2);
});

test('changes count once they are committed; what the audit log cannot take counts at once, a refusal does not', async () => {
  const { db } = database;
  const registry = new Registry();
  const read = readerOf(registry);
  const outcomes: (Error | undefined)[] = [];
  const record = countChanges(registry, async () => {
    const error = outcomes.shift();
    if (error) throw error;
  });
  const change = { noun: 'pool', action: 'create' } as Parameters<RecordChange>[1];
  const make = (after?: (tx: Executor) => Promise<void>) =>
    transaction(db, async (tx) => {
      await record(tx, change);
      await after?.(tx);
    });
  await make();
  await expect(make(() => Promise.reject(new Error('rolled back')))).rejects.toThrow('rolled back');
  outcomes.push(new Error('no room'));
  await expect(make()).rejects.toThrow('no room');
  outcomes.push(new AppError('conflict', 'No.'));
  await expect(make()).rejects.toThrow('No.');
  expect(await read('iac_changes_total', { noun: 'pool', action: 'create' })).toBe(1);
  expect(await read('iac_audit_failures_total')).toBe(1);
});

test('what a sealer cannot open counts by its kind, and is an error all the same', async () => {
  const metrics = createPlatformMetrics('0.0.0');
  const sealer = metrics.watchSealer({
    seal: async () => Buffer.alloc(1),
    open: async (_organization: string, purpose: string) => {
      throw purpose === 'state' ? new EncryptionError('damaged', 'It is damaged.') : new Error('no database');
    },
  } as unknown as Sealer);
  await sealer.seal('org-1' as never, 'state', 'x', 'y');
  await expect(sealer.open('org-1' as never, 'state', 'x', Buffer.alloc(1))).rejects.toThrow('damaged');
  await expect(sealer.open('org-1' as never, 'variable', 'x', Buffer.alloc(1))).rejects.toThrow('no database');
  const read = readerOf(metrics.registry);
  expect([
    await read('iac_encryption_failures_total', { kind: 'damaged' }),
    await read('iac_encryption_failures_total', { kind: 'other' }),
    await read('iac_encryption_failures_total'),
  ]).toEqual([1, 1, 2]);
  metrics.close();
});

test('rounds of a loop count with their length, failed ones as failures; those of another replica do not', async () => {
  const metrics = createPlatformMetrics('0.0.0');
  const logger = createLogger({ name: 'test', level: 'silent' });
  const leads: (AbortSignal | undefined)[] = [undefined, new AbortController().signal, new AbortController().signal];
  const done = Promise.withResolvers<void>();
  let rounds = 0;
  const loop = startLoop(
    {
      name: 'sweeper',
      intervalMs: 1,
      exclusive: true,
      async run() {
        rounds += 1;
        if (rounds === 2) done.resolve();
        if (rounds === 1) throw new Error('no database');
      },
    },
    {
      logger,
      random: () => 0,
      clock: { now: Date.now, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
      leadership: { tryLead: async () => leads.shift(), resign: async () => {}, close: async () => {} },
      onRound: metrics.loopRound,
    },
  );
  await done.promise;
  await loop.stop();
  const read = readerOf(metrics.registry);
  expect(await read('iac_loop_round_seconds_count', { loop: 'sweeper' })).toBe(2);
  expect(await read('iac_loop_failures_total', { loop: 'sweeper' })).toBe(1);
  expect(await read('iac_loop_last_round_timestamp_seconds', { loop: 'sweeper' })).toBeCloseTo(Date.now() / 1000, -1);
  metrics.close();
});
