import type { StateComparison, TaskVerdict } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { aPage, aStateVersion, aTask, aWorkspace, IDS } from '../records-for-tests.ts';
import { start } from '../run-for-tests.ts';
import { serve } from '../serve-for-tests.ts';

const TIME = '2026-11-21T10:00:00.000Z';

const aVerdict = (more: Partial<TaskVerdict> = {}): TaskVerdict =>
  ({
    kind: 'contact_lost',
    since: TIME,
    message: 'Contact with attempt 1 on agent host-1 is lost.',
    may_still_run: true,
    may_close: true,
    warning: 'Terraform of attempt 1 may still be changing: aws_db_instance.main; its state since 10:00 is not here.',
    attempt: { id: IDS.attempt, number: 1, agent_id: IDS.agent, agent_name: 'host-1' },
    last_seen: { stage: 'applying', progress: { done: 1, total: 3, running: ['aws_db_instance.main'] } },
    last_state: null,
    unrecorded: [],
    quarantined: [],
    ways_out: [
      { sentence: 'Bring agent host-1 back.', command: null },
      { sentence: 'Close the task.', command: `task close ${IDS.task} --reason "<why>"` },
    ],
    ...more,
  }) as TaskVerdict;

describe('task', () => {
  it('show tells the verdict, what was last seen and what to type', async () => {
    const unrecorded = Array.from({ length: 60 }, (_, n) => ({ address: `x.y[${n}]`, action: 'create', id: `i-${n}` }));
    const task = aTask({ status: 'running', verdict: aVerdict({ unrecorded }) });
    const { cli } = await serve({ getTask: () => task });
    const { out } = await cli(['task', 'show', IDS.task]);
    expect(out).toContain('may still be changing: aws_db_instance.main');
    expect(out).toContain('No state of attempt 1 has arrived.');
    expect(out).toMatch(/CHANGED, BUT NOT RECORDED {2}ACTION {2}ID\nx\.y\[0\] +create +i-0/);
    expect(out).toContain('… and 10 more; --json lists them all.');
    expect(out).toContain(`- Close the task.\n    groundcrew task close ${IDS.task} --reason "<why>"`);
    const { verdict } = JSON.parse((await cli(['task', 'show', IDS.task, '--json'])).out);
    expect(verdict.unrecorded).toHaveLength(60);
  });

  it('close tells the warning and wants the name of the workspace', async () => {
    const closed = aTask({ status: 'failed', verdict: aVerdict({ kind: 'closed', may_close: false }) });
    const { plane, cli } = await serve({
      getTask: () => aTask({ status: 'running', verdict: aVerdict() }),
      closeTask: () => closed,
    });
    const argv = ['task', 'close', IDS.task, '--reason', 'burnt down'];
    const silent = await cli(argv);
    expect([silent.code, silent.err]).toEqual([2, expect.stringContaining('add --confirm hello to go ahead')]);
    expect(silent.err).toContain('may still be changing: aws_db_instance.main');
    const wrong = await cli([...argv, '--confirm', 'other']);
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('not the name of the workspace, hello')]);
    expect(plane.callsOf('closeTask')).toHaveLength(0);
    const done = await cli(['task', 'force-release', ...argv.slice(2), '--confirm', 'hello']);
    expect(done.code).toBe(0);
    expect(done.out).toContain('Workspace hello is locked in your name until attempt 1 is proved dead');
    expect(plane.callsOf('closeTask')[0]?.body).toEqual({ workspace: 'hello', reason: 'burnt down' });
    expect((await cli(['task', 'close', IDS.task])).code).toBe(2);
  });

  it('close asks on a terminal', async () => {
    const { plane } = await serve({
      getTask: () => aTask({ status: 'needs_attention', verdict: aVerdict({ may_still_run: false, warning: null }) }),
      closeTask: () => aTask({ status: 'failed', verdict: null }),
    });
    const running = start(['task', 'close', IDS.task, '--reason', 'over'], { url: plane.url, tty: true });
    await running.see('Type the name of the workspace, hello');
    running.type('hello\r');
    expect(await running.done).toBe(0);
    expect(plane.callsOf('closeTask')[0]?.body).toEqual({ workspace: 'hello', reason: 'over' });
  });

  it('close refuses what goes on by itself before anything is asked', async () => {
    const { plane, cli } = await serve({ getTask: () => aTask({ status: 'running', verdict: null }) });
    const { code, err } = await cli(['task', 'close', IDS.task, '--reason', 'x', '--confirm', 'hello']);
    expect([code, err]).toEqual([1, expect.stringContaining(`groundcrew task cancel ${IDS.task}`)]);
    expect(plane.callsOf('closeTask')).toHaveLength(0);
  });
});

describe('workspace unlock', () => {
  it('repeats the warning of an attempt that is not proved dead', async () => {
    const unproven_attempts = [{ task_id: IDS.task, attempt_id: IDS.attempt, attempt_number: 2, since: TIME }];
    const { plane, cli } = await serve({
      getWorkspace: () => aWorkspace({ unproven_attempts } as never),
      unlockWorkspace: () => aWorkspace(),
    });
    const asked = await cli(['workspace', 'unlock', 'hello']);
    expect([asked.code, asked.err]).toEqual([
      2,
      expect.stringMatching(new RegExp(`attempt 2 of ${IDS.task}.* may still be changing things.*--yes`)),
    ]);
    expect(plane.callsOf('unlockWorkspace')).toHaveLength(0);
    expect((await cli(['workspace', 'unlock', 'hello', '--yes'])).code).toBe(0);
    expect(plane.callsOf('unlockWorkspace')[0]?.query).toEqual({ acknowledge: 'true' });
    expect((await cli(['workspace', 'show', 'hello'])).out).toMatch(
      new RegExp(`Not proved dead +attempt 2 of ${IDS.task}`),
    );
  });
});

describe('state quarantine', () => {
  const held = aStateVersion({ version: 7, serial: 9, standing: 'quarantined', standing_reason: 'It came late.' });
  const { id, version, serial, lineage, standing, resource_count, terraform_version, created_at } = held;
  const side = { id, version, serial, lineage, standing, resource_count, terraform_version, created_at };
  const comparison = {
    version: side,
    current: { ...side, version: 6, serial: 8, standing: 'current' },
    same_lineage: true,
    serial_ahead: 1,
    added: [{ address: 'aws_vpc.main', id: 'vpc-1', deposed: null }],
    removed: [{ address: 'aws_vpc.old', id: null, deposed: 'ab12' }],
    changed: [{ address: 'aws_subnet.a', id: 's-1', deposed: null, attributes: ['cidr', 'tags'] }],
    unchanged: 3,
    outputs: { added: ['vpc'], removed: [], changed: ['ip'] },
  } as StateComparison;
  const handlers = {
    listStateVersions: () => aPage(held),
    compareStateVersion: () => comparison,
    acceptStateVersion: () => aStateVersion({ version: 8, serial: 9 }),
    discardStateVersion: () => aStateVersion({ version: 7, standing: 'discarded' }),
  };

  it('list and show tell what is there and why', async () => {
    const { plane, cli } = await serve(handlers);
    const list = await cli(['state', 'quarantine', 'list', 'hello']);
    expect(list.out).toMatch(/^VERSION .*TASK/);
    expect(list.out).toContain(IDS.task);
    expect(list.err).toContain('groundcrew state quarantine compare hello 7');
    expect(plane.callsOf('listStateVersions')[0]?.query).toMatchObject({ standing: 'quarantined' });
    expect((await cli(['state', 'quarantine', 'show', 'hello', '7'])).out).toContain('It came late.');
  });

  it('compare names what differs', async () => {
    const { cli } = await serve(handlers);
    const { out } = await cli(['state', 'quarantine', 'compare', 'hello', '7']);
    expect(out).toContain(
      '+ aws_vpc.main [vpc-1]\n- aws_vpc.old (deposed ab12)\n~ aws_subnet.a [s-1]: cidr, tags\n+ output vpc\n~ output ip\n',
    );
    expect(JSON.parse((await cli(['state', 'quarantine', 'compare', 'hello', '7', '--json'])).out)).toEqual(comparison);
  });

  it('accept and discard ask, and want a reason', async () => {
    const { plane, cli } = await serve(handlers);
    const accept = ['state', 'quarantine', 'accept', 'hello', '7'];
    expect((await cli(accept)).code).toBe(2);
    const asked = await cli([...accept, '--reason', 'exists']);
    expect([asked.code, asked.err]).toEqual([2, expect.stringContaining('1 resource that the current state does not')]);
    expect((await cli([...accept, '--reason', 'exists', '-y'])).out).toBe(
      'Version 7 is current, as version 8 (serial 9).\n',
    );
    expect(plane.callsOf('acceptStateVersion')).toMatchObject([
      { params: { state_version_id: IDS.state }, body: { reason: 'exists', force: false, discard_older: false } },
    ]);
    await cli([...accept, '--discard-older', '--reason', 'the last', '-y']);
    expect(plane.callsOf('acceptStateVersion')[1]?.body).toMatchObject({ discard_older: true });
    const discard = ['state', 'quarantine', 'discard', 'hello', '7', '--reason', 'a copy'];
    expect((await cli(discard)).code).toBe(2);
    expect((await cli([...discard, '-y'])).out).toContain('groundcrew state pull hello 7');
    expect(plane.callsOf('discardStateVersion')[0]?.body).toEqual({ reason: 'a copy' });
  });
});

describe('var set', () => {
  it.each([
    [[], ''],
    [['--file', '-'], '\n'],
  ])('refuses an empty value from standard input (%j)', async (extra, stdin) => {
    const { plane, cli } = await serve({ listVariables: () => aPage() });
    const { code, err } = await cli(['var', 'set', 'hello', 'password', '--sensitive', ...extra], { stdin });
    expect([code, err]).toEqual([2, expect.stringContaining('The value of "password" is empty')]);
    expect(plane.callsOf('createVariable')).toHaveLength(0);
  });
});
