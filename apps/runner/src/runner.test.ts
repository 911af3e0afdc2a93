import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { stripColours } from '@groundcrew/terraform';
import { type FakeControlPlane, startFakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AttemptSpec,
  bareFolder,
  type Prepared,
  prepareAttempt,
  rawLog,
  SECRET,
  startRunner,
  until,
  writeTask,
} from './runner-for-tests.ts';

let server: FakeControlPlane;
beforeEach(async () => {
  server = await startFakeControlPlane();
});
afterEach(() => server.close());

const ONE = {
  'main.tf': 'resource "terraform_data" "a" {\n  input = "x"\n}\noutput "o" {\n  value = terraform_data.a.output\n}\n',
};

/** Has a fresh runner bring an attempt to its end. */
async function carryOut(prepared: Prepared) {
  writeTask(prepared);
  const runner = await startRunner(prepared.folder);
  const ended = await runner.heard('ended');
  expect(await runner.exited).toBe(0);
  return { ...prepared, ended, finish: prepared.attempt.finish };
}
const run = async (spec: AttemptSpec & { given?: object }) => carryOut(await prepareAttempt(server, spec));

const sensitive = (key: string, value: string, more: object = {}) =>
  ({ key, value, category: 'terraform', hcl: false, sensitive: true, ...more }) as const;

describe('an attempt', () => {
  it('plans and applies in one go', async () => {
    const { attempt, folder, ended, finish } = await run({ files: ONE });
    expect(ended).toMatchObject({ result: 'succeeded', exit_code: 0 });
    expect(finish).toMatchObject({
      result: 'succeeded',
      exit_code: 0,
      logs: [{ phase: 'plan' }, { phase: 'apply' }],
      unrecorded: [],
      // A short apply is over before its lease has told this.
      progress: { done: 1, total: 1, running: [] },
    });
    expect(attempt.logs.plan.toString()).toBe(rawLog(folder, 'plan'));
    expect(attempt.logs.apply.toString()).toBe(rawLog(folder, 'apply'));
    expect(rawLog(folder, 'apply')).toContain('Apply complete!');
    expect(attempt.planReport?.details).toMatchObject({ has_changes: true, counts: { add: 1, change: 0, destroy: 0 } });
    expect(attempt.planReport?.details.resource_changes).toHaveLength(1);
    expect(attempt.permit).toBe('used');
    const state = JSON.parse(String(attempt.current));
    expect(state).toMatchObject({ outputs: { o: { value: 'x' } } });
    expect(finish?.last_state).toEqual({
      lineage: state.lineage,
      serial: state.serial,
      checksum: attempt.states.at(-1)?.checksum,
    });
    for (const path of [folder.raw.plan, folder.raw.apply, folder.data, folder.planJson])
      expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('ends with the plan when there is nothing to apply, or nothing to be applied by it', async () => {
    const first = await run({ action: 'plan', files: ONE });
    expect(first.finish).toMatchObject({
      result: 'succeeded',
      exit_code: 0,
      logs: [{ phase: 'plan' }],
      plan_checksum: first.attempt.planReport?.plan_checksum,
      last_state: null,
    });
    expect(first.attempt.planReport).toMatchObject({ lineage: null, serial: null });
    const applied = await run({ files: ONE });
    const again = await run({ files: ONE, given: { current: applied.attempt.current } });
    expect(again.finish).toMatchObject({ result: 'succeeded', logs: [{ phase: 'plan' }] });
    expect(again.attempt.planReport).toMatchObject({
      serial: JSON.parse(String(applied.attempt.current)).serial,
      details: { has_changes: false },
    });
    expect(again.attempt.permit).toBe('none');
  });

  it('applies a plan that another attempt stored, on another host', async () => {
    const { attempt: planned } = await run({ action: 'plan', files: ONE });
    const planFile = {
      attempt_id: planned.data.attempt.id,
      checksum: planned.planReport!.plan_checksum,
      size: planned.planBundle!.length,
    };
    const { attempt, finish } = await run({
      action: 'apply',
      files: ONE,
      planFile,
      given: { givenPlan: planned.planBundle },
    });
    expect(finish).toMatchObject({ result: 'succeeded', logs: [{ phase: 'apply' }] });
    expect(attempt.logs.apply.toString()).toContain('Apply complete!');
    const wrong = await run({
      action: 'apply',
      files: ONE,
      planFile: { ...planFile, checksum: 'f'.repeat(64) },
      given: { givenPlan: planned.planBundle },
    });
    expect(wrong.attempt.returned).toContain('not the one that was approved');
    expect(wrong.ended).toMatchObject({ result: 'returned' });
  });

  it('destroys, targets and limits as it is told', async () => {
    const files = { 'main.tf': 'resource "terraform_data" "a" {}\nresource "terraform_data" "b" {}\n' };
    const { attempt } = await run({ files, task: { targets: ['terraform_data.a'], parallelism: 1 } });
    expect(JSON.parse(String(attempt.current)).resources).toHaveLength(1);
    const destroyed = await run({ files, task: { destroy: true }, given: { current: attempt.current } });
    expect(destroyed.finish).toMatchObject({ result: 'succeeded' });
    expect(JSON.parse(String(destroyed.attempt.current)).resources).toEqual([]);
  });

  it('shows no secret anywhere', async () => {
    const code =
      'variable "password" {}\nvariable "more" {}\nresource "terraform_data" "a" {\n  input = nonsensitive(var.password)\n  provisioner "local-exec" {\n    command = "echo $P; echo $P | base64; echo $FROM_ENV; env | grep TF_HTTP_PASSWORD"\n    environment = { P = var.password }\n  }\n}\noutput "o" {\n  value = "is ${terraform_data.a.output} and ${var.more.inner}"\n}\n';
    const variables = [
      sensitive('password', 'hunter2-SECRET-hunter2'),
      sensitive('more', '{ inner = "nested-SECRET-value" }', { hcl: true }),
      sensitive('FROM_ENV', 'environment-SECRET', { category: 'env' }),
      sensitive('PIN', '12345', { category: 'env' }),
      sensitive('NOTHING', '', { category: 'env' }),
    ];
    const { attempt, folder } = await run({ files: { 'main.tf': code }, variables });
    expect(rawLog(folder, 'apply')).toContain('hunter2-SECRET');
    expect(attempt.logs.apply.toString()).toContain('Apply complete!');
    expect(attempt.logs.plan.toString()).toContain('A value of variable "PIN" is too short to be masked');
    expect(attempt.logs.plan.toString()).not.toContain('"NOTHING"');
    const told = [
      attempt.logs.plan,
      attempt.logs.apply,
      JSON.stringify(attempt.planReport),
      JSON.stringify(attempt.renewals),
      JSON.stringify(attempt.finish),
      readFileSync(folder.log),
    ].join('\n');
    const password = /TF_HTTP_PASSWORD=(\S+)/.exec(rawLog(folder, 'apply'))?.[1];
    for (const secret of ['SECRET', Buffer.from('hunter2-SECRET-hunter2\n').toString('base64'), password, SECRET])
      expect(told).not.toContain(secret);
  });

  it('runs in an environment of its own making', async () => {
    const code =
      'resource "terraform_data" "a" {\n  provisioner "local-exec" {\n    command = "env; echo cwd=$(pwd); ls -A $HOME $TMPDIR; umask"\n  }\n}\n';
    const { folder } = await run({
      files: { 'env/main.tf': code },
      workspace: { working_directory: 'env' },
      variables: [sensitive('MINE', 'v', { category: 'env', sensitive: false })],
    });
    const log = stripColours(rawLog(folder, 'apply'));
    expect(log).toContain('MINE=v');
    expect(log).toContain(`cwd=${folder.work}/env`);
    expect(log).not.toMatch(/GROUNDCREW|att_|runner\.json/);
    const names = [...log.matchAll(/local-exec\): ([A-Z_]+)=/g)].map(([, name]) => name);
    expect(names).toContain('HOME');
    expect(
      names.filter(
        (name) => !/^(TF_|CHECKPOINT_DISABLE|HOME|PATH|TMPDIR|LANG|MINE|PWD|SHLVL|OLDPWD|_)/.test(name ?? ''),
      ),
    ).toEqual([]);
  });
});

describe('a configuration that cannot be run', () => {
  it.each<[string, AttemptSpec, object, RegExp]>([
    [
      'broken HCL',
      { files: { 'main.tf': 'resource "x" {' } },
      { failed_at: 'init', exit_code: 1 },
      /Argument or block definition|Unclosed|Invalid/,
    ],
    [
      'an unknown reference',
      { files: { 'main.tf': 'output "o" {\n  value = local.nope\n}\n' } },
      { failed_at: 'plan', exit_code: 1 },
      /Reference to undeclared local value/,
    ],
    [
      'a variable of the wrong type',
      { files: { 'main.tf': 'variable "n" {\n  type = number\n}\n' }, variables: [sensitive('n', 'abc-SECRET')] },
      { failed_at: 'plan', exit_code: 1 },
      /number/,
    ],
    [
      'another required_version',
      { files: { 'main.tf': 'terraform {\n  required_version = "~> 0.12.0"\n}\n' } },
      { failed_at: 'init', exit_code: 1 },
      /Unsupported Terraform Core version/,
    ],
    [
      'an override with a back end',
      { files: { 'zzzzz_override.tf': 'terraform {\n  backend "local" {}\n}\n' } },
      { failed_at: 'configuration', exit_code: null },
      /zzzzz_override\.tf/,
    ],
    [
      'a folder that is not there',
      { files: ONE, workspace: { working_directory: 'nope' } },
      { failed_at: 'configuration' },
      /no folder "nope"/,
    ],
    [
      'a reserved environment variable',
      { files: ONE, variables: [sensitive('TF_WORKSPACE', 'x', { category: 'env' })] },
      { failed_at: 'configuration' },
      /TF_WORKSPACE is reserved/,
    ],
    [
      'a name that no shell passes on',
      { files: ONE, variables: [sensitive('a-b', 'x', { category: 'env' })] },
      { failed_at: 'configuration' },
      /"a-b" cannot name an environment variable/,
    ],
  ])('%s fails with a sentence, in the log too', async (_, spec, record, words) => {
    const { attempt, finish, ended } = await run(spec);
    expect(finish).toMatchObject({ result: 'failed', ...record, logs: [{ phase: 'plan' }] });
    expect(finish?.error_message).toMatch(words);
    expect(finish?.error_message).not.toContain('SECRET');
    expect(attempt.logs.plan.toString()).toMatch(words);
    expect(ended).toMatchObject({ result: 'failed' });
    expect(attempt.permit).toBe('none');
  });

  it('keeps the state here whatever back end it names, and says so', async () => {
    const { attempt } = await run({
      files: {
        ...ONE,
        'backend.tf': 'terraform {\n  backend "s3" {\n    bucket = "b"\n    key = "k"\n    region = "r"\n  }\n}\n',
      },
    });
    expect(attempt.logs.plan.toString()).toContain(
      'Groundcrew: Groundcrew keeps the state of this workspace, so the back end "s3" in backend.tf is not used.',
    );
    expect(attempt.states).toHaveLength(1);
  });

  it('is handed back when this host has no such version', async () => {
    const { attempt, ended } = await run({ files: ONE, workspace: { terraform_version: '0.0.1' } });
    expect(attempt.returned).toMatch(/Terraform 0\.0\.1 is not on the agent's PATH/);
    expect(ended).toMatchObject({ result: 'returned' });
    expect(attempt.finish).toBeUndefined();
  });
});

describe('a runner', () => {
  it('waits as a spare until it is given an attempt', async () => {
    const prepared = await prepareAttempt(server, { files: ONE });
    const runner = await startRunner(prepared.folder);
    expect(await runner.heard('hello')).toMatchObject({
      attempt_id: null,
      action: null,
      link_version: 3,
      pid: runner.child.pid,
    });
    writeTask(prepared);
    runner.send({ type: 'assigned', task: prepared.task });
    expect(await runner.heard('ended')).toMatchObject({ attempt_id: prepared.task.attempt_id, result: 'succeeded' });
    const commands = runner.messages.filter(({ type }) => type === 'terraform_started').map(({ command }) => command);
    expect(commands).toEqual(['init', 'plan', 'show', 'apply']);
    expect(runner.messages.filter(({ type }) => type === 'progress').map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['fetching', 'init', 'planning', 'plan_saved', 'applying', 'saving_state']),
    );
  });

  it.each([
    ['in time', SECRET, 1],
    ['much too early', 'of-no-attempt-so-far-0123456789', 9],
  ])('asks for the data while its agent accepts the offer: %s', async (_, secret, times) => {
    const prepared = await prepareAttempt(server, { files: ONE });
    const runner = await startRunner(prepared.folder);
    await runner.heard('hello');
    writeFileSync(prepared.folder.secret, secret);
    const asked = () => server.calls.filter((call) => call === 'getTaskData').length;
    runner.send({ type: 'offered', task: prepared.task });
    await until(() => asked() >= Math.min(times, 8));
    writeTask(prepared);
    runner.send({ type: 'assigned', task: prepared.task });
    expect(await runner.heard('ended')).toMatchObject({ result: 'succeeded' });
    expect(asked()).toBe(times);
  });

  it('leaves when it is not needed, or when its folder has another runner', async () => {
    const folder = bareFolder(server);
    const first = await startRunner(folder);
    await first.heard('hello');
    const second = await startRunner(folder);
    expect(await second.exited).toBe(75);
    first.send({ type: 'leave' });
    expect(await first.exited).toBe(0);
  });

  it('begins on the hello of an agent whose predecessor died before it could say so', async () => {
    const prepared = await prepareAttempt(server, { files: ONE });
    const runner = await startRunner(prepared.folder);
    await runner.heard('hello');
    writeTask(prepared);
    runner.send({ type: 'hello', link_version: 1 });
    expect(await runner.heard('ended')).toMatchObject({ result: 'succeeded' });
  });

  it('goes on when its agent is gone', async () => {
    const prepared = await prepareAttempt(server, { files: { 'main.tf': SLOW } });
    writeTask(prepared);
    const runner = await startRunner(prepared.folder);
    await until(() => rawLog(prepared.folder, 'apply').includes('Creating...'));
    runner.detach();
    writeFileSync(`${prepared.folder.work}/go-on`, '');
    expect(await runner.exited).toBe(0);
    expect(prepared.attempt.finish).toMatchObject({ result: 'succeeded' });
  });

  it('ignores what it does not understand, and signals meant for its agent', async () => {
    const folder = bareFolder(server);
    const runner = await startRunner(folder);
    await runner.heard('hello');
    runner.send('nonsense');
    runner.send({ type: 'from_the_future' });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) runner.child.kill(signal);
    runner.send({ type: 'leave' });
    expect(await runner.exited).toBe(0);
  });

  it('leaves a folder without a secret alone', async () => {
    const prepared = await prepareAttempt(server, { files: ONE });
    writeTask(prepared);
    writeFileSync(prepared.folder.secret, '');
    const runner = await startRunner(prepared.folder);
    expect(await runner.heard('mute')).toMatchObject({ reason: expect.stringContaining('nobody can speak') });
    expect(await runner.exited).toBe(0);
    expect(server.calls).toEqual([]);
  });

  it('tells progress while somebody watches', async () => {
    const prepared = await prepareAttempt(server, {
      files: { 'main.tf': `${SLOW}resource "terraform_data" "quick" {}\n` },
      given: { watched: true },
    });
    writeTask(prepared);
    const runner = await startRunner(prepared.folder);
    await until(() =>
      prepared.attempt.renewals.some(
        ({ progress }) =>
          progress?.done === 1 && progress.total === 2 && progress.running.includes('terraform_data.slow'),
      ),
    );
    writeFileSync(`${prepared.folder.work}/go-on`, '');
    await runner.heard('ended');
  });
});

const SLOW =
  'resource "terraform_data" "slow" {\n  provisioner "local-exec" {\n    command = "while [ ! -e go-on ]; do sleep 0.05; done"\n  }\n}\n';
