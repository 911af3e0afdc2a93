import type { ApiTokenCreated, PoolTokenCreated } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { FakeRefusal } from '../fake-control-plane-for-tests.ts';
import { anAgent, aPage, aPlannedTask, aPool, aTask, aWorkspace, IDS } from '../records-for-tests.ts';
import { serve } from '../serve-for-tests.ts';

describe('workspace', () => {
  it('list shows a table, and as JSON the records', async () => {
    const locked = aWorkspace({
      name: 'network',
      locked: { by: 'ann', at: '2026-11-21T10:00:00.000Z', reason: 'moving' },
    });
    const { cli } = await serve({ listWorkspaces: () => aPage(aWorkspace(), locked) });
    const { code, out } = await cli(['workspace', 'list']);
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^WORKSPACE {2}RUNS ON {2}RESOURCES {2}LOCK {4}CHANGED +DESCRIPTION$/);
    expect(out).toContain('network    server   –          locked');
    expect(JSON.parse((await cli(['ws', 'list', '--json'])).out)).toEqual([aWorkspace(), locked]);
  });

  it('list reads page after page up to its limit', async () => {
    const { plane, cli } = await serve({
      listWorkspaces: ({ query }) => ({
        items: Array.from({ length: query.limit }, (_, i) => aWorkspace({ name: `w${query.cursor ?? ''}-${i}` })),
        next_cursor: 'more',
      }),
    });
    const { out } = await cli(['workspace', 'list', '--limit', '205', '--json']);
    expect(JSON.parse(out)).toHaveLength(205);
    expect(plane.callsOf('listWorkspaces').map(({ query }) => [query.limit, query.cursor])).toEqual([
      [200, undefined],
      [5, 'more'],
    ]);
  });

  it('create sends what was given, finds the pool by name and says what to type next', async () => {
    const { plane, cli } = await serve({
      listPools: () => aPage(aPool()),
      createWorkspace: ({ body }) => aWorkspace({ name: body.name }),
    });
    const { out, err } = await cli([
      'workspace',
      'create',
      'network',
      '--pool',
      'eu-west',
      '--terraform-version',
      '1.11.4',
      '--auto-approve',
      '--label',
      'a=b',
    ]);
    expect(plane.callsOf('createWorkspace')[0]?.body).toMatchObject({
      name: 'network',
      execution_mode: 'agent',
      agent_pool_id: IDS.pool,
      terraform_version: '1.11.4',
      auto_approve: true,
      labels: ['a=b'],
    });
    expect(out).toBe('Created workspace network.\n');
    expect(err).toBe('Plan and apply a folder in it: groundcrew apply network --dir <folder>\n');
  });

  it('update changes only what was given', async () => {
    const { plane, cli } = await serve({ updateWorkspace: () => aWorkspace() });
    expect((await cli(['workspace', 'update', 'hello', '--no-auto-approve', '--terraform-version', 'any'])).code).toBe(
      0,
    );
    expect(plane.callsOf('updateWorkspace')[0]?.body).toEqual({ auto_approve: false, terraform_version: null });
    const nothing = await cli(['workspace', 'update', 'hello']);
    expect([nothing.code, nothing.err]).toEqual([
      2,
      'Error: Nothing to change was given; see --help for the settings.\n',
    ]);
  });

  it('delete asks, and without a terminal wants --yes', async () => {
    const tf_state = {
      id: IDS.state,
      version: 1,
      serial: 1,
      lineage: 'x',
      resource_count: 4,
      created_at: '2026-11-21T10:00:00.000Z',
    } as never;
    const { plane, cli } = await serve({
      getWorkspace: () => aWorkspace({ tf_state }),
      deleteWorkspace: () => undefined,
    });
    const { code, err } = await cli(['workspace', 'delete', 'hello', '--force']);
    expect([code, err]).toEqual([
      2,
      'Error: Remove workspace hello for good? Its 4 resources stay where they are, and nobody manages them then. There is no terminal to ask on: add --yes to go ahead.\n',
    ]);
    expect(plane.callsOf('deleteWorkspace')).toHaveLength(0);
    expect((await cli(['workspace', 'delete', 'hello', '--yes'])).err).toBe(
      'Error: Workspace hello still manages 4 resources. Destroy them first (groundcrew apply hello --destroy), or add --force to leave them behind.\n',
    );
    expect((await cli(['workspace', 'delete', 'hello', '--yes', '--force'])).out).toBe('Removed workspace hello.\n');
    expect(plane.callsOf('deleteWorkspace')[0]?.query).toEqual({ force: 'true' });
  });

  it('lock and unlock', async () => {
    const { plane, cli } = await serve({
      lockWorkspace: () => aWorkspace(),
      getWorkspace: () => aWorkspace(),
      unlockWorkspace: () => aWorkspace(),
    });
    expect((await cli(['workspace', 'lock', 'hello', '--reason', 'moving'])).out).toContain('Locked hello.');
    expect(plane.callsOf('lockWorkspace')[0]?.body).toEqual({ reason: 'moving' });
    expect((await cli(['workspace', 'unlock', 'hello'])).out).toContain('Unlocked hello.');
  });
});

describe('task', () => {
  it('list filters, show and why explain', async () => {
    const waiting = { rule: 'locked', message: 'The workspace is locked by ann.' };
    const { plane, cli } = await serve({
      listTasks: () => aPage(aTask()),
      getTask: () => aTask({ waiting }),
      explainTask: () => ({
        task_id: IDS.task as never,
        waiting: true,
        position: 2,
        state: 'waiting',
        rule: 'nobody_able',
        message: 'No agent can take it.',
        ways_out: [{ sentence: 'Start one that has it.', command: 'pool token create gpu' }],
        agents: [
          {
            agent_id: IDS.agent as never,
            name: 'host-1',
            reason: 'label_missing',
            message: 'It lacks the label gpu.',
            way_out: { sentence: 'Give it the label.', command: 'agent update host-1 --label gpu' },
          },
        ],
      }),
    });
    expect((await cli(['task', 'list', '-w', 'hello', '--active', '--status', 'pending'])).out).toContain(
      'plan and apply  waiting',
    );
    expect(plane.callsOf('listTasks')[0]?.query).toMatchObject({
      workspace_id: 'hello',
      active: true,
      status: 'pending',
    });
    expect((await cli(['task', 'show', IDS.task])).out).toContain('Waits      The workspace is locked by ann.');
    const why = (await cli(['task', 'why', IDS.task])).out.split('\n');
    expect(why[0]).toBe('No agent can take it. It is number 2 in the queue of its pool.');
    expect(why[1]).toMatch(/^ {2}Start one that has it\. {2}.*pool token create gpu$/);
    expect(why[3]).toMatch(/^AGENT +WHY NOT +WAY OUT$/);
    expect(why[4]).toMatch(
      /^host-1 +It lacks the label gpu\. +Give it the label\. {2}.*agent update host-1 --label gpu$/,
    );
    expect(JSON.parse((await cli(['task', 'why', IDS.task, '--json'])).out)).toMatchObject({ rule: 'nobody_able' });
  });

  it('approve names the very plan that was shown', async () => {
    const { plane, cli } = await serve({
      getTask: () => aPlannedTask({ status: 'awaiting_approval' }),
      approveTask: () => aPlannedTask(),
    });
    expect((await cli(['task', 'approve', IDS.task])).err).toMatch(
      /Apply to hello: 4 to add, 0 to change, 0 to destroy\?.*--yes/,
    );
    expect((await cli(['task', 'approve', IDS.task, '--yes'])).code).toBe(0);
    expect(plane.callsOf('approveTask')[0]?.body.plan_checksum).toBe('c'.repeat(64));
  });

  it('approve tells when there is nothing to approve', async () => {
    const { cli } = await serve({ getTask: () => aTask({ status: 'running' }) });
    expect((await cli(['task', 'approve', IDS.task, '--yes'])).err).toBe(
      `Error: Task ${IDS.task} does not wait for approval; it is running.\n`,
    );
  });

  it('cancel and discard', async () => {
    const { plane, cli } = await serve({
      cancelTask: () => aTask({ status: 'running' }),
      discardTask: () => aTask({ status: 'cancelled' }),
    });
    expect((await cli(['task', 'cancel', IDS.task, '--level', '3', '--force'])).out).toMatch(/^Cancelling/);
    expect(plane.callsOf('cancelTask')[0]?.body).toEqual({ level: 3, force: true, reason: '' });
    expect((await cli(['task', 'discard', IDS.task])).out).toMatch(/^Discarded/);
  });

  it("tells the server's refusal as it is, and as JSON with code and request", async () => {
    const { cli } = await serve({
      getTask: () => {
        throw new FakeRefusal('not_found', 'There is no task of this id.');
      },
    });
    expect((await cli(['task', 'show', IDS.task])).err).toBe('Error: There is no task of this id.\n');
    const { code, out, err } = await cli(['task', 'show', IDS.task, '--json']);
    expect([code, out]).toEqual([1, '']);
    expect(JSON.parse(err)).toEqual({ error: 'There is no task of this id.', code: 'not_found', request_id: 'req-1' });
  });
});

describe('fleet', () => {
  it('agents and pools by name', async () => {
    const { plane, cli } = await serve({
      listAgents: () => aPage(anAgent()),
      getAgent: () => anAgent(),
      updateAgent: ({ body }) => anAgent(body as never),
      listPools: () => aPage(aPool()),
      createPool: ({ body }) => aPool({ name: body.name }),
    });
    expect((await cli(['agent', 'list', '--pool', 'eu-west'])).out).toMatch(/host-1 +eu-west +online +1 /);
    expect(plane.callsOf('listAgents')[0]?.query.pool_id).toBe(IDS.pool);
    expect((await cli(['agent', 'show', 'host-1'])).out).toContain('terraform 1.11.4, installs others');
    expect((await cli(['pool', 'show', 'eu-west'])).out).toContain('host-1');
    const drained = await cli(['agent', 'drain', 'host-1']);
    expect(drained.out).toMatch(/^Agent host-1 takes nothing new\. It (holds nothing|leaves once)/);
    expect(drained.err).toContain('agent resume host-1');
    expect((await cli(['agent', 'resume', 'host-1'])).out).toBe('Agent host-1 may work again.\n');
    expect(plane.callsOf('updateAgent').map(({ params, body }) => [params.id, body])).toEqual([
      [IDS.agent, { draining: true }],
      [IDS.agent, { draining: false }],
    ]);
    expect((await cli(['pool', 'show', 'eu'])).err).toBe('Error: There is no pool "eu". There are: eu-west.\n');
    expect((await cli(['pool', 'create', 'gpu', '--require-label', 'gpu', '--strategy', 'random'])).out).toContain(
      'Created pool gpu',
    );
  });

  it('tokens go to standard output alone, so that they can be kept in a file', async () => {
    const times = { created_at: '2026-11-21T10:00:00.000Z', expires_at: null, last_used_at: null, revoked_at: null };
    const { plane, cli } = await serve({
      listPools: () => aPage(aPool()),
      createPoolToken: () =>
        ({
          id: 'ptok-aaaaaaaaaaaaaaaaaaaa',
          pool_id: IDS.pool,
          name: '',
          token: 'apt_x',
          ...times,
        }) as unknown as PoolTokenCreated,
      createToken: () =>
        ({
          id: IDS.token,
          user_id: IDS.user,
          name: 'ci',
          kind: 'api',
          scopes: null,
          workspace_ids: null,
          token: 'gct_x',
          ...times,
        }) as unknown as ApiTokenCreated,
      revokeToken: () => undefined,
    });
    expect((await cli(['pool', 'token', 'create', 'eu-west'])).out).toBe('apt_x\n');
    expect((await cli(['token', 'create', 'ci', '--never-expires'])).out).toBe('gct_x\n');
    expect(plane.callsOf('createToken')[0]?.body).toMatchObject({ name: 'ci', kind: 'api', expires_in_days: null });
    expect((await cli(['token', 'revoke', IDS.token])).out).toBe(`Revoked ${IDS.token}.\n`);
  });
});
