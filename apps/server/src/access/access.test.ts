import { API_PREFIX, type RouteName, type RouteSpec, routes, SOCKETS } from '@groundcrew/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Call, type LiveServer, startLiveServer } from '../modules/tasks/live-server-for-tests.ts';
import { makeCallers, type TestCaller } from './callers-for-tests.ts';
import { createRequests, LAST } from './requests-for-tests.ts';
import { formatTable, type TableRow } from './table-for-tests.ts';
import { addTenant, makeOrganisation, type Organisation } from './world-for-tests.ts';

let live: LiveServer;
let own: Organisation;
let callers: TestCaller[];
let credentials: Record<string, string>[];
let requests: ReturnType<typeof createRequests>;
beforeAll(async () => {
  live = await startLiveServer({ settings: { LEASES_LEASE: '1h', LEASES_LOST_AFTER: '2h' } });
  const { organization } = await live.must('getMe', live.owner);
  own = await makeOrganisation(live, organization.id, live.owner);
  const tenant = await addTenant(live);
  const foreign = await makeOrganisation(live, tenant.id, tenant.owner);
  callers = await makeCallers(live, own, { ...foreign, ownerId: tenant.ownerId });
  credentials = await Promise.all(callers.map((caller) => caller.headers()));
  requests = createRequests(live, own);
}, 60_000);
afterAll(() => live?.close());

const TABLE = (Object.entries(routes) as [RouteName, RouteSpec][]).toSorted(
  ([a], [b]) => LAST.indexOf(a) - LAST.indexOf(b),
);
const isPlaced = ({ access }: RouteSpec): boolean =>
  access.who === 'attempt' || (access.who === 'user' && access.on !== undefined && access.on !== 'listed');

/** Makes a call and gives how it was answered: let in, whatever became of it then, or the status it was kept out with. */
async function ask(
  { name, spec }: { name: RouteName; spec: RouteSpec },
  { params = {}, body, headers }: Call,
  caller: TestCaller,
  credential: Record<string, string>,
): Promise<string> {
  const path = spec.path.replace(/:([a-z_]+)/g, (_all, key: string) => encodeURIComponent(params[key] ?? ''));
  const answer = await live.server.http.app.inject({
    method: spec.method,
    url: API_PREFIX + path,
    headers: { ...headers, ...credential },
    ...(body === undefined ? {} : { payload: body as object }),
  });
  expect(answer.statusCode, `${name} for ${caller.name}: ${answer.body}`).toBeLessThan(500);
  if (caller.isForeign && answer.statusCode < 300) refuseLeak(name, caller, answer.body);
  return [401, 403, 404].includes(answer.statusCode) ? String(answer.statusCode) : 'ok';
}

/** Whatever another organisation is answered, nothing of ours is in it. */
function refuseLeak(name: string, caller: TestCaller, body: string): void {
  const ours = [own.granted, own.other].flatMap(({ attempt, ...place }) => [...Object.values(place), attempt.id]);
  for (const id of [own.id, own.agentId, own.crew.pool.id, ...ours])
    expect(body.includes(id), `${name} shows ${id} to ${caller.name}`).toBe(false);
}

async function askAll(name: RouteName, spec: RouteSpec, where: '' | 'granted' | 'other'): Promise<TableRow> {
  const place = own[where === 'other' ? 'other' : 'granted'];
  const cells: string[] = [];
  let request: Call | undefined;
  for (const [index, caller] of callers.entries()) {
    request ??= await requests[name](place);
    const cell = await ask({ name, spec }, request, caller, credentials[index] ?? {});
    cells.push(cell);
    // What was let in may have used up what it named, and one route ends the very credential it is called with.
    if (cell === 'ok') request = undefined;
    if (name === 'signOut') credentials[index] = await caller.headers();
  }
  return { name, spec, where, cells };
}

/** The WebSockets have no row in the route table; what they are opened with is told here. */
async function askSockets(): Promise<TableRow[]> {
  const agent = own.crew.agents[0]?.agentId;
  const addresses = [
    { path: SOCKETS.viewerLogs, where: 'granted', query: `task_id=${own.granted.taskId}` },
    { path: SOCKETS.viewerLogs, where: 'other', query: `task_id=${own.other.taskId}` },
    { path: SOCKETS.events, where: '', query: '' },
    { path: SOCKETS.agentLogs, where: 'granted', query: `task_id=${own.granted.taskId}` },
    { path: SOCKETS.agentLogs, where: 'other', query: `task_id=${own.other.taskId}` },
    { path: SOCKETS.control, where: '', query: `agent_id=${agent}` },
  ] as const;
  return Promise.all(
    addresses.map(async ({ path, where, query }) => ({
      name: 'socket' as const,
      spec: { method: 'WS' as const, path },
      where,
      cells: await Promise.all(credentials.map((headers) => openSocket(`${path}?${query}`, headers))),
    })),
  );
}

function openSocket(path: string, headers: Record<string, string>): Promise<string> {
  const socket = new WebSocket(live.url.replace('http', 'ws') + path, { headers });
  return new Promise((resolve) => {
    socket.once('open', () => resolve('ok'));
    socket.once('unexpected-response', (_request, { statusCode }) => resolve(String(statusCode)));
    socket.on('error', () => {});
  }).finally(() => socket.terminate()) as Promise<string>;
}

/** What names a thing of ours is kept from other organisations, whatever the table says. */
function refuseStrangers(rows: readonly TableRow[]): void {
  for (const { name, cells } of rows.filter(({ spec }) => spec.path.includes(':'))) {
    const strangers = cells.filter((_cell, index) => callers[index]?.isForeign);
    expect(['401', '403', '404'], `${name} for another organisation`).toEqual(expect.arrayContaining(strangers));
  }
}

test('every route answers every kind of caller as access-table.md says', { timeout: 180_000 }, async () => {
  const rows: TableRow[] = [];
  for (const [name, spec] of TABLE)
    for (const where of isPlaced(spec) ? (['granted', 'other'] as const) : ([''] as const))
      rows.push(await askAll(name, spec, where));
  refuseStrangers(rows);
  for (const row of await askSockets()) rows.push(row);
  await expect(formatTable(callers, rows)).toMatchFileSnapshot('../../access-table.md');
});
