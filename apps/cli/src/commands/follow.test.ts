import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration, TaskStatus } from '@groundcrew/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { FakeHandlers } from '../fake-control-plane-for-tests.ts';
import { aStream, aTask, aWorkspace, IDS } from '../records-for-tests.ts';
import { makeFolder, type RunOptions, run, start } from '../run-for-tests.ts';
import { APPLY_LOG, PLAN_LOG, type Story, startStory } from '../story-for-tests.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A task that goes its way on a control plane, and the command that watches. */
async function tell(story: Story, handlers: FakeHandlers = {}) {
  const plane = await startStory(story, handlers);
  closers.push(plane.close);
  return {
    plane,
    cli: (argv: string[], more: RunOptions = {}) => run(argv, { url: plane.url, ...more }),
    live: (argv: string[]) => start(argv, { url: plane.url, tty: true }),
  };
}

describe('plan', () => {
  it('shows the log and nothing else on standard output, without colours in a pipe', async () => {
    const { cli } = await tell({ end: 'success', waiting: 'No agent has a free slot.' });
    const { code, out, err } = await cli(['plan', 'hello']);
    expect(out).toBe('Terraform will perform …\nPlan: 4 to add\n');
    expect(err).toBe(
      [
        `Task ${IDS.task}: plan on hello`,
        'Waiting: No agent has a free slot.',
        '── plan ──',
        'Planned hello in 1.5 s: 4 to add, 0 to change, 0 to destroy.',
        '',
      ].join('\n'),
    );
    expect(code).toBe(0);
  });

  it.each<[TaskStatus, string[], number]>([
    ['success', ['--detailed-exitcode'], 2],
    ['failed', [], 1],
    ['cancelled', [], 130],
  ])('that ends as %s with %j exits with %i', async (end, flags, code) => {
    const { cli } = await tell({ end });
    expect((await cli(['plan', 'hello', ...flags])).code).toBe(code);
  });

  it('as JSON prints the task at the end, and the log to standard error', async () => {
    const { cli } = await tell({ end: 'success' });
    const { out, err } = await cli(['plan', 'hello', '--json']);
    expect(JSON.parse(out)).toMatchObject({ id: IDS.task, status: 'success' });
    expect(err).toContain('Plan: 4 to add');
  });

  it('sends every option', async () => {
    const { plane, cli } = await tell({ end: 'success' });
    await cli([
      'plan',
      'hello',
      '--destroy',
      '--target',
      'a.b["x y"]',
      '--target',
      'c.d',
      '--replace',
      'e.f',
      '--parallelism',
      '2',
      '--message',
      'm',
      '--detach',
    ]);
    expect(plane.callsOf('createTask')[0]?.body).toMatchObject({
      workspace_id: 'hello',
      task_type: 'plan',
      destroy: true,
      targets: ['a.b["x y"]', 'c.d'],
      replace: ['e.f'],
      parallelism: 2,
      message: 'm',
    });
    expect(plane.calls.at(-1)?.headers['idempotency-key']).toMatch(/^cli-/);
  });
});

describe('apply', () => {
  it('with --yes approves itself beforehand', async () => {
    const { plane, cli } = await tell({ end: 'applied' });
    const { code, out } = await cli(['apply', 'hello', '--yes']);
    expect([code, out]).toEqual([0, `Terraform will perform …\nPlan: 4 to add\n${APPLY_LOG}`]);
    expect(plane.callsOf('createTask')[0]?.body.auto_approve).toBe(true);
  });

  it('without a terminal says so before it plans', async () => {
    const { plane, cli } = await tell({ end: 'applied' });
    const { code, err } = await cli(['apply', 'hello']);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/there is no terminal to ask on\. Add --yes .*"groundcrew task approve"/),
    ]);
    expect(plane.callsOf('createTask')).toHaveLength(0);
  });

  it('without a terminal goes ahead on a workspace that approves itself', async () => {
    const { plane, cli } = await tell({ end: 'applied' }, { getWorkspace: () => aWorkspace({ auto_approve: true }) });
    await cli(['apply', 'hello', '--detach']);
    expect(plane.callsOf('createTask')[0]?.body.auto_approve).toBeUndefined();
  });

  it('asks once the plan has been shown, and approves that very plan', async () => {
    const { plane, live } = await tell({ end: 'applied' });
    const running = live(['apply', 'hello']);
    await running.see('Apply to ');
    expect(running.out()).toContain('Plan: 4 to add');
    running.type('y');
    expect(await running.done).toBe(0);
    expect(plane.callsOf('approveTask')[0]?.body.plan_checksum).toBe('c'.repeat(64));
    expect(running.out()).toContain('\u001b[1mTerraform will perform\u001b[0m');
    expect(running.err()).toContain('Applied hello in 1.5 s: 4 added, 0 changed, 0 destroyed.');
  });

  it('throws the plan away when the answer is no', async () => {
    const { plane, live } = await tell({ end: 'applied' });
    const running = live(['apply', 'hello']);
    await running.see('Apply to ');
    running.type('n');
    expect(await running.done).toBe(130);
    expect(plane.callsOf('discardTask')).toHaveLength(1);
    expect(running.err()).toContain('Cancelled. The plan was discarded by admin.');
  });

  it('offers at Ctrl-C to detach', async () => {
    const { plane, live } = await tell({ end: 'applied', stuck: true });
    const running = live(['apply', 'hello', '--yes']);
    await running.see('── apply ──');
    running.signal('SIGINT');
    await running.see('Stop watching');
    running.type('\r');
    expect(await running.done).toBe(0);
    expect(running.err()).toContain(`Detached; the task goes on. Come back with: groundcrew task logs -f ${IDS.task}`);
    expect(plane.callsOf('cancelTask')).toHaveLength(0);
  });

  it('offers at Ctrl-C to cancel, and follows to the end', async () => {
    const { plane, live } = await tell({ end: 'applied', stuck: true });
    const running = live(['apply', 'hello', '--yes']);
    await running.see('── apply ──');
    running.signal('SIGINT');
    await running.see('Stop watching');
    running.type('\u001b[B\r');
    expect(await running.done).toBe(130);
    expect(plane.callsOf('cancelTask')[0]?.body.level).toBe(1);
    expect(running.out()).toContain('Apply complete!');
  });

  it('is cancelled by a signal where nobody can be asked, and left by a second one', async () => {
    const { plane } = await tell({ end: 'applied', stuck: true }, { cancelTask: () => aTask({ status: 'running' }) });
    const running = start(['apply', 'hello', '--yes'], { url: plane.url });
    await running.see('── apply ──');
    running.signal('SIGTERM');
    await running.see('Cancelling');
    running.signal('SIGTERM');
    expect(await running.done).toBe(0);
    expect(plane.callsOf('cancelTask')).toHaveLength(1);
    expect(running.err()).toContain('Detached');
  });

  it('shows what runs on the status line', async () => {
    const { live } = await tell({ end: 'applied', stuck: true });
    const running = live(['apply', 'hello', '--yes']);
    await running.see('applying 1/4 · terraform_data.a');
    running.signal('SIGINT');
    await running.see('Stop watching');
    running.type('\r');
    await running.done;
    // The line is taken away at the end.
    expect(running.err().endsWith('\n') || running.err().endsWith('\u001b[2K')).toBe(true);
  });

  it('pushes a folder first', async () => {
    const configuration = {
      id: IDS.configuration,
      workspace_id: IDS.workspace,
      number: 3,
      source: 'archive',
      checksum: 'a'.repeat(64),
      size: 1,
      files: 1,
      message: '',
      created_by: 'admin',
      created_at: '2026-11-21T10:00:00.000Z',
    };
    const { plane, cli } = await tell(
      { end: 'applied' },
      { uploadConfiguration: () => configuration as Configuration },
    );
    const { path, remove } = makeFolder();
    closers.push(remove);
    mkdirSync(join(path, 'infra'));
    writeFileSync(join(path, 'infra', 'main.tf'), 'output "x" { value = 1 }\n');
    const { err } = await cli(['apply', 'hello', '--yes', '--dir', 'infra'], { cwd: path });
    expect(err).toMatch(/^Pushed infra to hello: 1 files, 25 B, \d+ B packed\.\n/);
    const upload = plane.calls.find(({ name }) => name === 'uploadConfiguration');
    expect(upload?.headers).toMatchObject({
      'content-type': 'application/gzip',
      'content-length': String(upload?.input.raw.length),
    });
    expect((await cli(['push', 'nowhere'], { cwd: path })).err).toContain('There is no folder "nowhere"');
    expect((await cli(['push', '.'], { cwd: path })).code).toBe(0);
  });
});

describe('task logs', () => {
  const text = Buffer.from(`${PLAN_LOG}${'x'.repeat(100)}\n`);
  const handlers: FakeHandlers = {
    listLogStreams: () => ({
      items: [
        {
          ...aStream('plan'),
          length: text.length,
          complete: true,
          incomplete_reason: null,
          checksum: null,
          archived: false,
        },
      ],
    }),
    readLog: ({ query }) => {
      const part = text.subarray(query.offset, query.offset + 40);
      return {
        stream: aStream('plan'),
        offset: query.offset,
        next_offset: query.offset + part.length,
        length: text.length,
        complete: true,
        incomplete_reason: null,
        checksum: null,
        content_base64: part.toString('base64'),
      };
    },
  };

  it('prints a stored log part by part, from a byte on', async () => {
    const { cli } = await tell({ end: 'applied' }, handlers);
    const { out, err } = await cli(['task', 'logs', IDS.task]);
    expect([out, err]).toEqual([`Terraform will perform …\nPlan: 4 to add\n${'x'.repeat(100)}\n`, '']);
    expect((await cli(['task', 'logs', IDS.task, '--from', String(text.length - 11)])).out).toBe(`${'x'.repeat(10)}\n`);
    expect(JSON.parse((await cli(['task', 'logs', IDS.task, '--json'])).out)[0]).toMatchObject({
      phase: 'plan',
      complete: true,
    });
  });

  it('-f follows and ends with the verdict', async () => {
    const { cli } = await tell({ end: 'failed', autoApprove: true });
    const { code, out } = await cli(['task', 'logs', '-f', IDS.task]);
    expect(code).toBe(1);
    expect(out).toContain('Apply complete!');
  });

  it('-f of one phase ends with the phase, and is no verdict on a task that goes on', async () => {
    const { cli } = await tell({ end: 'applied' });
    const { code, out, err } = await cli(['task', 'logs', '-f', IDS.task, '--phase', 'plan']);
    expect([code, out]).toEqual([0, 'Terraform will perform …\nPlan: 4 to add\n']);
    expect(err).toContain('Task hello goes on: awaiting approval.');
  });
});
