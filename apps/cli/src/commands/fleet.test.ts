import type { AgentWithToken, PoolQueue, PoolToken, PoolTokenCreated } from '@groundcrew/protocol';
import { expect, it } from 'vitest';
import { anAgent, aPage, aPool, IDS } from '../records-for-tests.ts';
import { serve } from '../serve-for-tests.ts';

const TOKEN = 'ptok-aaaaaaaaaaaaaaaaaaaa';
const TIME = '2026-11-21T10:00:00.000Z';
const aPoolToken = (more: Partial<PoolToken> = {}): PoolToken =>
  ({
    id: TOKEN,
    pool_id: IDS.pool,
    name: 'rack 1',
    created_at: TIME,
    expires_at: null,
    last_used_at: TIME,
    revoked_at: null,
    rotated_from: null,
    agents: 4,
    ...more,
  }) as PoolToken;
const withToken = (): AgentWithToken => ({ ...anAgent(), token: 'agt_shown' });
const aQueue = (more: Partial<PoolQueue> = {}): PoolQueue => ({
  pool_id: IDS.pool as never,
  name: 'eu-west',
  waiting: 7,
  waiting_by_rule: { nobody_free: 6, locked: 1 },
  oldest_waiting_seconds: 12,
  helped: 6,
  helped_by_one: 3,
  agents_wanted: 2,
  running: 3,
  free_slots: 0,
  agents: { online: 0, busy: 1, error: 0, offline: 2, draining: 0 },
  ...more,
});

it('agent create prints nothing but the token; update sends what was named and keeps the rest', async () => {
  const { plane, cli } = await serve({
    listPools: () => aPage(aPool()),
    createAgent: withToken,
    getAgent: () => anAgent({ labels: ['a', 'b'] }),
    updateAgent: () => anAgent(),
  });
  expect((await cli(['agent', 'create', 'host-1', '--pool', 'eu-west', '--agent-id', 'h1'])).out).toBe('agt_shown\n');
  expect(plane.callsOf('createAgent')[0]?.body).toMatchObject({ name: 'host-1', pool_id: IDS.pool, agent_id: 'h1' });
  const change = [
    '--label',
    'gpu',
    '--remove-label',
    'a',
    '--max-tasks',
    'none',
    '--no-secrets',
    '--allow-workspace',
    'ws-x',
  ];
  await cli(['agent', 'update', 'host-1', ...change]);
  expect(plane.callsOf('updateAgent')[0]?.body).toEqual({
    labels: ['b', 'gpu'],
    max_concurrent_tasks: null,
    permissions: { ...anAgent().permissions, can_access_secrets: false, allowed_workspaces: ['ws-x'] },
  });
  expect((await cli(['agent', 'update', 'host-1'])).code).toBe(2);
});

it('agent delete and its token', async () => {
  const { plane, cli } = await serve({
    getAgent: () => anAgent(),
    deleteAgent: () => undefined,
    regenerateAgentToken: withToken,
    revokeAgentToken: () => anAgent(),
  });
  await cli(['agent', 'delete', 'host-1', '--force']);
  expect(plane.callsOf('deleteAgent')[0]?.query).toEqual({ force: 'true' });
  expect((await cli(['agent', 'token', 'rotate', 'host-1', '--overlap', '60'])).out).toBe('agt_shown\n');
  expect(plane.callsOf('regenerateAgentToken')[0]?.body).toEqual({ overlap_seconds: 60, expires_in_days: 365 });
  expect((await cli(['agent', 'token', 'revoke', 'host-1'])).out).toContain('is cut off');
});

it('pool update, members, delete', async () => {
  const { plane, cli } = await serve({
    listPools: () => aPage(aPool()),
    getAgent: () => anAgent(),
    updatePool: () => aPool(),
    addPoolAgent: () => aPool(),
    removePoolAgent: () => undefined,
    deletePool: () => undefined,
  });
  await cli(['pool', 'update', 'eu-west', '--static', '--max-tasks', '40', '--no-allow-apply-concurrent']);
  expect(plane.callsOf('updatePool')[0]?.body).toEqual({
    pool_type: 'static',
    max_concurrent_tasks: 40,
    allow_apply_concurrent: false,
  });
  expect((await cli(['pool', 'add', 'eu-west', 'host-1'])).out).toContain('is in pool eu-west now');
  expect((await cli(['pool', 'remove', 'eu-west', 'host-1'])).out).toContain('in no pool now');
  expect((await cli(['pool', 'delete', 'eu-west'])).code).toBe(0);
});

it('pool tokens are listed with who uses them, rotated and revoked', async () => {
  const { plane, cli } = await serve({
    listPools: () => aPage(aPool()),
    listPoolTokens: () => aPage(aPoolToken(), aPoolToken({ revoked_at: TIME })),
    rotatePoolToken: (): PoolTokenCreated => ({ ...aPoolToken(), token: 'apt_shown' }),
    revokePoolToken: () => undefined,
  });
  const { out } = await cli(['pool', 'token', 'list', 'eu-west']);
  expect(out.split('\n')[1]).toMatch(/^ptok-a{20} +rack 1 +does not expire +used .* +4$/);
  expect(out).toContain('revoked');
  expect((await cli(['pool', 'token', 'rotate', 'eu-west', TOKEN])).out).toBe('apt_shown\n');
  expect(plane.callsOf('rotatePoolToken')[0]?.body).toEqual({ overlap_seconds: 86_400, expires_in_days: 365 });
  expect((await cli(['pool', 'token', 'revoke', 'eu-west', TOKEN])).out).toContain(`Revoked token ${TOKEN}`);
});

it('queue shows pools, what further agents would help, and limits', async () => {
  const summary = { at: TIME, waiting: 7, running: 3, max_concurrent_tasks: 50, pools: [aQueue()] };
  const { plane, cli } = await serve({
    listPools: () => aPage(aPool()),
    getQueueSummary: () => summary,
    getQueueLimits: () => ({ max_concurrent_tasks: null }),
    updateQueueLimits: ({ body }) => body,
  });
  const { out } = await cli(['queue', '--pool', 'eu-west']);
  expect(out).toContain('7 waiting, 3 of at most 50 running.');
  expect(out).toMatch(/eu-west +7 +12 s +3 +0 +1 busy, 2 offline +2 for 6 +nobody free 6, locked 1/);
  expect(plane.callsOf('getQueueSummary')[0]?.query).toEqual({ pool_id: IDS.pool });
  expect(JSON.parse((await cli(['queue', '--json'])).out)).toEqual(summary);
  expect((await cli(['queue', 'limits'])).out).toBe('No limit.\n');
  expect((await cli(['queue', 'limits', '--max-tasks', '20'])).out).toBe('At most 20 tasks run at once.\n');
  expect((await cli(['queue', 'limits', '--max-tasks', '0'])).code).toBe(2);
});
