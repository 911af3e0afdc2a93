import { readFileSync } from 'node:fs';
import { type FakeControlPlane, startFakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandRecord } from './launcher/index.ts';
import { type AttemptSpec, type Prepared, rawLog, type Started, startAttempt, until } from './runner-for-tests.ts';

let server: FakeControlPlane;
beforeEach(async () => {
  server = await startFakeControlPlane();
});
afterEach(() => server.close());

const QUICK = 'resource "terraform_data" "quick" {}\n';
const SLOW = `${QUICK}resource "terraform_data" "slow" {\n  depends_on = [terraform_data.quick]\n  provisioner "local-exec" {\n    command = "echo begun; while [ ! -e go-on ]; do sleep 0.05; done"\n  }\n}\n`;
const interruptsOf = ({ folder }: Prepared) =>
  readFileSync(`${folder.journal}/interrupts`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { command: string; signal: string })
    .map(({ command, signal }) => `${command} ${signal}`);

const start = (spec: AttemptSpec & { given?: object }): Promise<Started> => startAttempt(server, spec);
const applying = async (spec: AttemptSpec & { given?: object }) => {
  const started = await start(spec);
  await until(
    () => rawLog(started.folder, 'apply').includes('begun'),
    () => readFileSync(started.folder.log, 'utf8'),
  );
  return started;
};
/** A plan that waits for the server's state, which does not come. */
const planning = async (spec: Partial<AttemptSpec> = {}) => {
  let reads = 0;
  server.fault = (call) => (call === 'getTaskState' && ++reads > 1 ? 'hang' : undefined);
  const started = await start({ files: { 'main.tf': QUICK }, given: { renewAfterSeconds: 0.2 }, ...spec });
  await until(
    () => reads > 1,
    () => readFileSync(started.folder.log, 'utf8'),
  );
  return started;
};

describe('a cancel', () => {
  it('that comes before the task is loaded is honoured, and nothing is run', async () => {
    const { attempt, runner, folder } = await start({ files: { 'main.tf': QUICK }, given: { cancelLevel: 1 } });
    expect(await runner.heard('ended')).toMatchObject({ result: 'cancelled' });
    expect(attempt.finish).toMatchObject({ result: 'cancelled', exit_code: null });
    expect(rawLog(folder, 'plan')).toBe('');
  });

  it('reaches Terraform at once when the agent pushes it, and the apply stops in order', async () => {
    const started = await applying({ files: { 'main.tf': SLOW } });
    const { runner, attempt, folder } = started;
    const before = Date.now();
    runner.send({ type: 'cancel', level: 1 });
    await until(() => rawLog(folder, 'apply').includes('Interrupt received'));
    expect(Date.now() - before).toBeLessThan(2_000);
    expect(await runner.heard('ended')).toMatchObject({ result: 'cancelled', exit_code: 1 });
    expect(interruptsOf(started)).toEqual(['apply SIGINT']);
    expect(attempt.finish).toMatchObject({ result: 'cancelled', exit_code: 1, signal: null });
    expect(JSON.parse(String(attempt.current)).resources.map(({ name }: { name: string }) => name)).toEqual([
      'quick',
      'slow',
    ]);
    expect(attempt.finish?.last_state?.checksum).toBe(attempt.states.at(-1)?.checksum);
  });

  it('reaches Terraform with the next renewal when there is no agent', async () => {
    const { runner, attempt } = await applying({ files: { 'main.tf': SLOW }, given: { renewAfterSeconds: 0.2 } });
    runner.detach();
    attempt.cancelLevel = 1;
    await runner.exited;
    expect(attempt.finish).toMatchObject({ result: 'cancelled' });
  });

  it('is one SIGINT in all, however often and from wherever it comes', async () => {
    const code = SLOW.replace('echo begun;', 'trap true INT TERM; echo begun;');
    const started = await applying({ files: { 'main.tf': code } });
    const { runner, attempt } = started;
    attempt.cancelLevel = 1;
    for (let i = 0; i < 5; i += 1) runner.send({ type: 'cancel', level: 1 });
    await runner.heard('ended');
    expect(interruptsOf(started)).toEqual(['apply SIGINT']);
  });

  it('with force kills an apply, a second after its SIGINT, and tells what is not recorded', async () => {
    const started = await applying({ files: { 'main.tf': SLOW } });
    const { runner, attempt, folder } = started;
    const { pid } = commandRecord(folder.journal, 'apply').findProcess()!;
    // It can neither stop in order nor save anything any more.
    process.kill(pid, 'SIGSTOP');
    runner.send({ type: 'cancel', level: 3 });
    expect(await runner.heard('ended')).toMatchObject({ result: 'interrupted', exit_code: null });
    expect(interruptsOf(started)).toEqual(['apply SIGINT', 'apply SIGKILL']);
    expect(attempt.finish).toMatchObject({ result: 'interrupted', signal: 'SIGKILL', last_state: null });
    expect(attempt.finish?.unrecorded).toEqual([
      { address: 'terraform_data.quick', action: 'create', id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    ]);
    expect(attempt.finish?.error_message).toContain('may exist without being in the state');
  });

  it('takes a plan that does not stop further by itself', async () => {
    const started = await planning();
    const { runner, attempt } = started;
    runner.send({ type: 'cancel', level: 3 });
    expect(await runner.heard('ended')).toMatchObject({ result: 'cancelled' });
    expect(interruptsOf(started)).toEqual(['plan SIGINT', 'plan SIGKILL']);
    expect(attempt.finish).toMatchObject({ result: 'cancelled', signal: 'SIGKILL' });
  });

  it('between plan and permit is the server’s to decide', async () => {
    const { runner, attempt } = await start({ files: { 'main.tf': QUICK }, given: { permitRefusal: 'cancelled' } });
    expect(await runner.heard('ended')).toMatchObject({ result: 'cancelled' });
    expect(attempt.states).toEqual([]);
  });
});

describe('an attempt', () => {
  it.each(['locked', 'stale', 'not_approved'] as const)(
    'whose permit is refused as %s applies nothing and says so',
    async (permitRefusal) => {
      const { runner, attempt } = await start({ files: { 'main.tf': QUICK }, given: { permitRefusal } });
      expect(await runner.heard('ended')).toMatchObject({ result: 'never_started' });
      expect(attempt.permit).toBe('none');
      expect(attempt.states).toEqual([]);
    },
  );

  it('that runs out of its time stops as if cancelled', async () => {
    const started = await applying({ files: { 'main.tf': SLOW }, attempt: { apply_timeout_seconds: 1 } });
    expect(await started.runner.heard('ended')).toMatchObject({ result: 'cancelled' });
    expect(started.attempt.finish).toMatchObject({ timed_out: true, exit_code: 1 });
    expect(interruptsOf(started)).toEqual(['apply SIGINT']);
  });

  it('that is fenced while it plans is killed', async () => {
    const started = await planning();
    started.attempt.fenced = true;
    started.runner.send({ type: 'cancel', level: 1 });
    await until(
      () => started.attempt.renewals.length > 1 || undefined,
      () => '',
    ).catch(() => {});
    expect(await started.runner.heard('ended')).toMatchObject({ result: 'cancelled' });
  }, 90_000);

  it('that is fenced while it applies gets one SIGINT, and its state goes to quarantine', async () => {
    const started = await applying({ files: { 'main.tf': SLOW }, given: { renewAfterSeconds: 0.2 } });
    const { attempt, runner } = started;
    attempt.fenced = true;
    expect(await runner.heard('ended')).toMatchObject({ result: 'cancelled', exit_code: 1 });
    expect(interruptsOf(started)).toEqual(['apply SIGINT']);
    expect(new Set(attempt.states.map(({ standing }) => standing))).toEqual(new Set(['quarantined']));
    expect(attempt.finish?.last_state?.checksum).toBe(attempt.states.at(-1)?.checksum);
    expect(attempt.logs.apply.toString()).toBe(rawLog(started.folder, 'apply'));
  });

  it('that is locked out at LOCK applies nothing', async () => {
    let asked = false;
    server.fault = (call) => {
      if (call !== 'lockState' || asked) return undefined;
      asked = true;
      fenced.attempt.fenced = true;
      return undefined;
    };
    const fenced = await start({ files: { 'main.tf': QUICK } });
    await fenced.runner.heard('ended');
    expect(fenced.attempt.states).toEqual([]);
    expect(rawLog(fenced.folder, 'apply')).toContain('Error acquiring the state lock');
  });
});
