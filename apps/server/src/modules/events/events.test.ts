import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, systemClock } from '@groundcrew/kit';
import type { Event, EventFrame, OrganizationId } from '@groundcrew/protocol';
import { createTestDatabase, listenOnLoopback, type TestDatabase, waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { addForeigner, createTestServer, type TestServer } from '../../injected-server-for-tests.ts';
import { createBus } from '../../platform/bus/index.ts';
import { transaction } from '../../platform/database/index.ts';
import { createGaps } from './gaps.ts';
import { createEmit, type Emit } from './index.ts';
import { createEventReader, type EventReader } from './reader.ts';

describe('the reader', () => {
  const logger = createLogger({ name: 'test', level: 'silent' });
  let bus: ReturnType<typeof createBus>;
  let emit: Emit;
  let database: TestDatabase;
  let reader: EventReader;
  beforeAll(async () => {
    database = await createTestDatabase();
    await database.db.insertInto('organizations').values({ id: 'org-a', name: 'a' }).execute();
    bus = createBus({ address: database.address, logger });
    emit = createEmit(bus);
    reader = createEventReader({ db: database.db, bus, clock: systemClock, logger, pollMs: 60_000 });
  });
  afterAll(async () => {
    reader.close();
    await bus.close();
    await database.drop();
  });

  const event = (id: string) => ({ organizationId: 'org-a', noun: 'task' as const, id, kind: 'x' });
  const write = (id: string) => transaction(database.db, (tx) => emit(tx, event(id)));

  async function follow() {
    const seen: string[] = [];
    const { leave } = await reader.follow((events) => seen.push(...events.map(({ subjectId }) => subjectId)));
    return { seen, leave };
  }

  test('hears of an event as soon as it is committed, and of none that was rolled back', async () => {
    const { seen, leave } = await follow();
    await write('committed');
    await waitFor('the event', () => seen.length === 1);
    await transaction(database.db, async (tx) => {
      await emit(tx, event('undone'));
      throw new Error('rolled back');
    }).catch(() => {});
    await write('next');
    await waitFor('the next one', () => seen.includes('next'));
    expect(seen).toEqual(['committed', 'next']);
    leave();
  });

  test('misses none that took its number early and was committed late', async () => {
    const { seen, leave } = await follow();
    const [inserted, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const late = transaction(database.db, async (tx) => {
      await emit(tx, event('early number'));
      inserted.resolve();
      await go.promise;
    });
    await inserted.promise;
    await write('later number');
    await waitFor('the later one', () => seen.includes('later number'));
    expect(seen).not.toContain('early number');
    go.resolve();
    await late;
    await waitFor('the earlier one', () => seen.includes('early number'));
    expect(seen.filter((id) => id === 'early number')).toHaveLength(1);
    leave();
  });

  test('tells everybody everything once, however many write at once', async () => {
    const followers = await Promise.all([follow(), follow(), follow()]);
    const ids = Array.from({ length: 100 }, (_, i) => `n${i}`);
    await Promise.all(ids.map(write));
    for (const { seen, leave } of followers) {
      await waitFor('all of them', () => seen.length >= 100);
      expect(seen.toSorted()).toEqual(ids.toSorted());
      leave();
    }
  });

  test('reads on in batches when far behind', async () => {
    const { seen, leave } = await follow();
    await database.db.transaction().execute(async (tx) => {
      for (let i = 0; i < 1_200; i += 1) await emit(tx, event(`b${i}`));
    });
    await write('wake');
    await waitFor('all of them', () => seen.length === 1_201);
    leave();
  });
});

test('a number that nobody commits is asked for until no transaction can have it any more', () => {
  const gaps = createGaps(1_000, 100);
  gaps.saw(5, 2, 0);
  expect(gaps.list(500)).toEqual([3, 4]);
  gaps.saw(3, 5, 600);
  expect(gaps.list(600)).toEqual([4]);
  expect(gaps.list(1_000)).toEqual([]);
  gaps.saw(1_000_000, 5, 0);
  expect(gaps.list(0)).toHaveLength(100);
});

describe('the socket', () => {
  let it: TestServer;
  let url: string;
  let close: () => Promise<void>;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    it = await createTestServer();
    await it.server.http.app.ready();
    ({ url, close } = await listenOnLoopback(it.server.http.server));
  });
  afterAll(async () => {
    for (const socket of sockets) socket.terminate();
    await it.close();
    await close();
  });

  async function follow(token = it.token, query = '') {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/events${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    sockets.push(socket);
    const events: Event[] = [];
    const ready = Promise.withResolvers<number>();
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as EventFrame;
      if (frame.type === 'ready') ready.resolve(frame.seq);
      else events.push(frame.event);
    });
    socket.on('error', ready.reject);
    return { events, seq: await ready.promise, socket };
  }
  const create = async (name: string, token = it.token) =>
    (await it.call<{ workspace_id: string }>('POST', '/workspaces', { token, body: { name } })).body.workspace_id;

  test('tells what changes, to those who may read it, in their own organisation', async () => {
    const foreigner = await addForeigner(it);
    const { token: viewer } = await it.addUser('viewer');
    const [owner, other, limited] = [await follow(), await follow(foreigner), await follow(viewer)];
    const id = await create('told');
    await it.addUser('viewer', 'unseen');
    await create('foreign', foreigner);
    await waitFor(
      'events',
      () => owner.events.some(({ noun }) => noun === 'token') && other.events.length > 0 && limited.events.length > 0,
    );
    expect(owner.events[0]).toMatchObject({
      noun: 'workspace',
      id,
      kind: 'create',
      workspace_id: id,
      data: { name: 'told' },
    });
    expect(owner.events.map(({ noun }) => noun)).toContain('user');
    expect(limited.events.map(({ noun }) => noun)).toEqual(['workspace']);
    expect(other.events.map(({ data }) => data)).toEqual([{ name: 'foreign' }]);
  });

  test('after a break, tells what was missed', async () => {
    const { seq, socket, events } = await follow();
    await create('before');
    await waitFor('it', () => events.length === 1);
    socket.terminate();
    const missed = await create('missed');
    const back = await follow(it.token, `?after=${events[0]?.seq}`);
    await waitFor('the missed one', () => back.events.some(({ id }) => id === missed));
    await create('live');
    await waitFor('the live one', () => back.events.some(({ data }) => (data as { name?: string }).name === 'live'));
    expect(back.seq).toBeGreaterThan(seq);
    expect(new Set(back.events.map((event) => event.seq)).size).toBe(back.events.length);
  });

  test('is refused to nobody in particular', async () => {
    await expect(follow('gct_nobody')).rejects.toThrow('401');
  });

  test('every kind of change that this suite made is visible as one event each', async () => {
    const rows = await it.database.db
      .selectFrom('events')
      .select(['noun', 'kind'])
      .where('organization_id', '=', it.organizationId as OrganizationId)
      .execute();
    const audited = await it.database.db
      .selectFrom('audit')
      .select(['noun', 'action'])
      .where('organization_id', '=', it.organizationId)
      .execute();
    expect(rows.map(({ noun, kind }) => `${noun}.${kind}`).toSorted()).toEqual(
      audited.map(({ noun, action }) => `${noun}.${action}`).toSorted(),
    );
  });

  test('old events are swept', async () => {
    await it.database.db
      .updateTable('events')
      .set({ at: new Date(Date.now() - 8 * 86_400_000) })
      .execute();
    await create('kept');
    await it.server.modules.events.sweep();
    await sleep(1);
    expect(await it.database.db.selectFrom('events').selectAll().execute()).toHaveLength(1);
  });
});
