import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeControlPlane, type Fault, startFakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFate } from './journal/index.ts';
import { type CommandName, commandRecord, isAlive, killGroup } from './launcher/index.ts';
import {
  type Prepared,
  prepareAttempt,
  rawLog,
  type Started,
  startAttempt,
  startRunner,
  until,
  writeTask,
} from './runner-for-tests.ts';

let server: FakeControlPlane;
beforeEach(async () => {
  server = await startFakeControlPlane();
});
afterEach(() => server.close());

const QUICK = 'resource "terraform_data" "quick" {}\n';
const NOISY = `${QUICK}resource "terraform_data" "slow" {\n  depends_on = [terraform_data.quick]\n  provisioner "local-exec" {\n    command = "echo begun; i=0; while [ ! -e go-on ]; do i=$((i+1)); echo line $i secret-in-every-line; sleep 0.005; done"\n  }\n}\n`;
const SECRET_VARIABLE = {
  key: 'unused',
  value: 'secret-in-every-line',
  category: 'terraform',
  hcl: false,
  sensitive: true,
} as const;

/** A log of Terraform's ends with a colour's "m", which could be the beginning of this. */
const LIKE_THE_LAST_BYTE = 'm-of-a-secret';

const start = (code: string, given: object = {}): Promise<Started> =>
  startAttempt(server, {
    files: { 'main.tf': code },
    variables: [SECRET_VARIABLE, { ...SECRET_VARIABLE, key: 'last', value: LIKE_THE_LAST_BYTE }],
    given: { renewAfterSeconds: 0.5, ...given },
  });
async function applying(code = NOISY): Promise<Started> {
  const started = await start(code);
  await until(
    () => rawLog(started.folder, 'apply').includes('line 20'),
    () => readFileSync(started.folder.log, 'utf8'),
  );
  return started;
}
const goOn = ({ folder }: Prepared) => writeFileSync(`${folder.work}/go-on`, '');
const processOf = ({ folder }: Prepared, command: CommandName) =>
  until(() => commandRecord(folder.journal, command).findProcess());

/** New runners on the folder, until one was heard to its end: with nothing left to do it may be gone before anybody attaches. */
async function succeed({ folder }: Prepared): Promise<Record<string, unknown>> {
  for (let tries = 1; ; tries += 1) {
    const runner = await startRunner(folder);
    const ended = await runner.heard('ended').catch((error: unknown) => error as Error);
    expect(await runner.exited).toBe(0);
    if (!(ended instanceof Error)) return ended;
    if (tries === 10) throw ended;
  }
}

/** What the server has is exactly what Terraform wrote, secrets apart, and exactly the state it wrote last. */
function expectWhole({ attempt, folder }: Prepared): void {
  for (const phase of ['plan', 'apply'] as const) {
    const masked = rawLog(folder, phase).replaceAll('secret-in-every-line', '[MASKED]');
    expect(attempt.logs[phase].toString()).toBe(masked);
  }
  const state = JSON.parse(String(attempt.current));
  expect(state.resources).toHaveLength(2);
  expect(attempt.finish?.last_state).toMatchObject({ serial: state.serial, lineage: state.lineage });
}

describe('a runner that is killed', () => {
  it('in the middle of an apply has a successor that brings exactly the same log and state to the server', async () => {
    const started = await applying();
    const port = JSON.parse(readFileSync(`${started.folder.journal}/relay`, 'utf8')).port;
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const before = started.attempt.logs.apply.length;
      await (deaths === 0 ? started.runner : await startRunner(started.folder)).kill();
      if (deaths > 0) expect(started.attempt.logs.apply.length).toBeGreaterThanOrEqual(before);
    }
    const last = await startRunner(started.folder);
    await until(() => started.attempt.logs.apply.length > 2_000);
    expect(JSON.parse(readFileSync(`${started.folder.journal}/relay`, 'utf8')).port).toBe(port);
    goOn(started);
    expect(await last.heard('ended')).toMatchObject({ result: 'succeeded', exit_code: 0 });
    expect(started.attempt.finish).toMatchObject({ result: 'succeeded', exit_code: 0 });
    expectWhole(started);
  });

  it('while Terraform ends without it leaves the end to its successor', async () => {
    const started = await applying();
    await started.runner.kill();
    goOn(started);
    // Terraform waits with its state until somebody listens again.
    await sleep(500);
    expect(commandRecord(started.folder.journal, 'apply').findExit()).toBeUndefined();
    expect(await succeed(started)).toMatchObject({ result: 'succeeded' });
    expectWhole(started);
  });

  it('in the middle of a plan has a successor that goes on to apply', async () => {
    let reads = 0;
    let held = true;
    server.fault = (call) => (call === 'getTaskState' && ++reads > 1 && held ? 'refuse' : undefined);
    const started = await start(`${QUICK}resource "terraform_data" "b" {}\n`);
    await processOf(started, 'plan');
    await until(() => reads > 1);
    await started.runner.kill();
    held = false;
    expect(await succeed(started)).toMatchObject({ result: 'succeeded' });
    expect(started.attempt.permit).toBe('used');
    expectWhole(started);
  });

  it('with Terraform and its launcher has a successor that reports the apply as interrupted', async () => {
    const started = await applying();
    const terraform = await processOf(started, 'apply');
    process.kill(terraform.parent, 'SIGKILL');
    await started.runner.kill();
    killGroup(terraform);
    await until(() => !existsSync(`/proc/${terraform.pid}`));
    expect(await succeed(started)).toMatchObject({ result: 'interrupted', exit_code: null });
    expect(started.attempt.finish).toMatchObject({
      result: 'interrupted',
      exit_code: null,
      signal: null,
      last_state: null,
    });
    expect(started.attempt.finish?.unrecorded.map(({ address }) => address)).toEqual(['terraform_data.quick']);
    expect(started.attempt.logs.apply.toString()).toBe(
      rawLog(started.folder, 'apply').replaceAll('secret-in-every-line', '[MASKED]'),
    );
  });

  it('with Terraform while it plans has a successor that rules the apply out', async () => {
    server.fault = (call) => (call === 'getTaskState' ? 'refuse' : undefined);
    const started = await start(QUICK);
    const terraform = await processOf(started, 'init');
    await started.runner.kill();
    process.kill(terraform.parent, 'SIGKILL');
    killGroup(terraform);
    while (await isAlive(started.folder.alive)) await sleep(10);
    expect(await succeed(started)).toMatchObject({ result: 'never_started' });
    expect(await findFate(started.folder.journal)).toBe('never');
    expect(started.attempt.finish).toMatchObject({ result: 'never_started', exit_code: null });
  });

  it('with only its launcher still sees Terraform to its end, whose code nobody knows', async () => {
    const started = await applying();
    const terraform = await processOf(started, 'apply');
    process.kill(terraform.parent, 'SIGKILL');
    goOn(started);
    expect(await started.runner.heard('ended')).toMatchObject({ result: 'interrupted', exit_code: null });
    expect(started.attempt.finish?.unrecorded).toEqual([]);
    expect(JSON.parse(String(started.attempt.current)).resources).toHaveLength(2);
  });

  it('before it began has a successor that begins', async () => {
    const prepared = await prepareAttempt(server, {
      files: { 'main.tf': `${QUICK}resource "terraform_data" "b" {}\n` },
    });
    const spare = await startRunner(prepared.folder);
    await spare.heard('hello');
    await spare.kill();
    writeTask(prepared);
    expect(await succeed(prepared)).toMatchObject({ result: 'succeeded' });
    expectWhole(prepared);
  });

  it.each([
    ['the record', ['finishAttempt']],
    ['record and log', ['finishAttempt', 'appendLog']],
  ])('after the end has a successor that delivers %s, and says so again and again', async (_, refused) => {
    server.fault = (call) => (refused.includes(call) ? 'refuse' : undefined);
    const started = await start(`${QUICK}resource "terraform_data" "b" {}\n`);
    await until(() => existsSync(`${started.folder.journal}/finish`));
    await started.runner.kill();
    const { record } = JSON.parse(readFileSync(`${started.folder.journal}/finish`, 'utf8'));
    server.fault = () => undefined;
    for (let i = 0; i < 2; i += 1) expect(await succeed(started)).toMatchObject({ result: 'succeeded' });
    expect(started.attempt.finish).toEqual(record);
    expectWhole(started);
  });
});

describe('a damaged folder', () => {
  it.each(['permitted', 'prepared', 'locked'])('with %s cut off is brought to an honest end', async (entry) => {
    const started = await applying();
    await started.runner.kill();
    const terraform = await processOf(started, 'apply');
    process.kill(terraform.parent, 'SIGKILL');
    killGroup(terraform);
    await until(() => !existsSync(`/proc/${terraform.pid}`));
    truncateSync(`${started.folder.journal}/${entry}`, 5);
    const { result } = await succeed(started);
    // Never a success, and never the claim that nothing was begun.
    expect(['interrupted', 'never_started']).toContain(result);
    expect(started.attempt.finish?.result).toBe('interrupted');
  });

  it('without the task’s data still delivers what it knows, but no log that it cannot mask', async () => {
    const started = await applying();
    await started.runner.kill();
    const terraform = await processOf(started, 'apply');
    process.kill(terraform.parent, 'SIGKILL');
    killGroup(terraform);
    await until(() => !existsSync(`/proc/${terraform.pid}`));
    rmSync(started.folder.data);
    started.attempt.fenced = true;
    expect(await succeed(started)).toMatchObject({ result: 'interrupted' });
    expect(started.attempt.finish).toMatchObject({ result: 'interrupted', logs: [] });
    expect(started.attempt.logs.apply.toString()).not.toContain('secret-in-every-line');
  });
});

describe('an unreliable server', () => {
  const CALLS = [
    'getTaskData',
    'getTaskConfiguration',
    'getTaskState',
    'putPlanFile',
    'reportPlan',
    'askPermit',
    'lockState',
    'postState',
    'appendLog',
    'finishAttempt',
    'renewAttempt',
  ] as const;

  it.each<[Fault]>([['lose'], ['cut'], ['refuse']])(
    'that answers every first call with "%s" changes nothing',
    async (fault) => {
      const seen = new Set<string>();
      server.fault = (call) => {
        if (seen.has(call)) return undefined;
        seen.add(call);
        return fault;
      };
      const started = await start(`${QUICK}resource "terraform_data" "b" {}\n`);
      expect(await started.runner.heard('ended')).toMatchObject({ result: 'succeeded' });
      expect([...seen]).toEqual(expect.arrayContaining([...CALLS]));
      expect(started.attempt.nonces).toHaveLength(1);
      expectWhole(started);
    },
  );

  it('that goes away while Terraform applies, and comes back after its end, gets everything', async () => {
    const started = await applying();
    server.fault = () => 'cut';
    const before = started.attempt.logs.apply.length;
    goOn(started);
    await until(() => commandRecord(started.folder.journal, 'apply').findExit());
    expect(started.attempt.states).toEqual([]);
    expect(started.attempt.logs.apply.length).toBe(before);
    server.fault = () => undefined;
    expect(await started.runner.heard('ended')).toMatchObject({ result: 'succeeded' });
    expectWhole(started);
  });
});
