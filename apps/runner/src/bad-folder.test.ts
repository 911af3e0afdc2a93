import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type FakeControlPlane, startFakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFate } from './journal/index.ts';
import { commandRecord, killGroup } from './launcher/index.ts';
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

const NOISY =
  'resource "terraform_data" "slow" {\n  provisioner "local-exec" {\n    command = "i=0; while [ ! -e go-on ]; do i=$((i+1)); echo line $i; sleep 0.005; done"\n  }\n}\n';

const start = (code: string): Promise<Started> =>
  startAttempt(server, { files: { 'main.tf': code }, given: { renewAfterSeconds: 0.5 } });

/** An apply under way whose runner is gone, and of whose log the server has something. */
async function orphaned(): Promise<Started> {
  const started = await start(NOISY);
  await until(() => rawLog(started.folder, 'apply').includes('line 5') && started.attempt.logs.apply.length > 100);
  await started.runner.kill();
  return started;
}

const goOn = ({ folder }: Prepared) => writeFileSync(`${folder.work}/go-on`, '');

async function succeed({ folder }: Prepared): Promise<Record<string, unknown>> {
  const ended = await (await startRunner(folder)).heard('ended');
  return ended;
}

describe('a folder that was damaged while its runner was gone', () => {
  it('with a truncated raw log still brings state and exit; what the server had of the log stays', async () => {
    const started = await orphaned();
    const before = started.attempt.logs.apply.toString();
    truncateSync(started.folder.raw.apply, 50);
    goOn(started);
    const runner = await startRunner(started.folder);
    // Its log can never be whole, for which the server waits ten minutes; everything else it has at once.
    const finish = await until(() => started.attempt.finish);
    expect(finish).toMatchObject({ result: 'succeeded', exit_code: 0 });
    expect(JSON.parse(String(started.attempt.current)).resources).toHaveLength(1);
    expect(started.attempt.logs.apply.toString().startsWith(before)).toBe(true);
    expect(readFileSync(started.folder.log, 'utf8')).toContain('the server has other bytes than these');
    await runner.kill();
  });

  it.each([
    ['begun', ['succeeded']],
    ['planned', ['succeeded']],
    ['permitted', ['succeeded']],
    // Terraform knows the port only; where it is stands in the launcher's order as well.
    ['relay', ['succeeded']],
    // Nobody knows any more whose state lock it was, so Terraform's last save is refused, and what it left is taken in.
    ['locked', ['succeeded', 'failed']],
  ])(
    'with a half-written journal entry %s is finished under the same permit, the state whole',
    async (entry, results) => {
      const started = await orphaned();
      const path = join(started.folder.journal, entry);
      truncateSync(path, Math.floor(statSync(path).size / 2));
      goOn(started);
      expect(results).toContain((await succeed(started)).result);
      expect(started.attempt.nonces).toHaveLength(1);
      expect(started.attempt.finish?.last_state).not.toBeNull();
      expect(JSON.parse(String(started.attempt.current)).resources).toHaveLength(1);
    },
  );

  it('that lost all of its plan but what outlives a machine brings the apply to its end, also when a cancel was asked for', async () => {
    const started = await orphaned();
    const lasts = /^(intent|permitted|locked|fate|apply\..*)$/;
    for (const name of readdirSync(started.folder.journal))
      if (!lasts.test(name)) rmSync(join(started.folder.journal, name), { recursive: true });
    const runner = await startRunner(started.folder);
    runner.send({ type: 'cancel', level: 1 });
    // Terraform is interrupted, not left alone: what it made meanwhile is in the state that it saves.
    const ended = await runner.heard('ended');
    expect(ended.exit_code).not.toBeNull();
    expect(started.attempt.nonces).toHaveLength(1);
    expect(started.attempt.finish?.last_state).not.toBeNull();
    expect(started.attempt.finish?.logs.map(({ phase }) => phase)).toContain('apply');
  });

  it('without its secret is left as it is, with a sentence, and nothing is said in its name', async () => {
    const started = await orphaned();
    rmSync(started.folder.secret);
    const calls = server.calls.length;
    const runner = await startRunner(started.folder);
    await until(() => readFileSync(started.folder.log, 'utf8').includes('nobody can speak for this attempt'));
    // Terraform still runs: whoever counts on its slot would be two.
    expect(runner.messages.map(({ type }) => type)).not.toContain('mute');
    killGroup(await until(() => commandRecord(started.folder.journal, 'apply').findProcess()));
    expect(await runner.heard('mute')).toMatchObject({ reason: expect.stringContaining('is missing or damaged') });
    expect(await runner.exited).toBe(0);
    expect(server.calls.length).toBe(calls);
    expect(existsSync(started.folder.raw.apply)).toBe(true);
  });
});

describe('a plan file that was changed before its apply', () => {
  it.each([
    ['changed', (path: string) => appendFileSync(path, 'x')],
    ['removed', (path: string) => rmSync(path)],
  ])('and is %s is not applied; the server hears that nothing was started', async (_, spoil) => {
    const prepared = await prepareAttempt(server, { files: { 'main.tf': 'resource "terraform_data" "a" {}\n' } });
    server.fault = (call) => {
      if (call === 'askPermit') spoil(prepared.folder.plan);
      return undefined;
    };
    writeTask(prepared);
    const runner = await startRunner(prepared.folder);
    expect(await runner.heard('ended')).toMatchObject({ result: 'never_started' });
    expect(prepared.attempt.finish).toMatchObject({
      result: 'never_started',
      error_message: expect.stringContaining('is not the one that was approved'),
    });
    expect(await findFate(prepared.folder.journal)).toBe('never');
    expect(prepared.attempt.states).toEqual([]);
    expect(rawLog(prepared.folder, 'apply')).toBe('');
  });
});
