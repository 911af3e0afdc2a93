import { type FakeControlPlane, startFakeControlPlane } from '@groundcrew/testkit/fake-control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareAttempt, rawLog, startRunner, writeTask } from './runner-for-tests.ts';

let server: FakeControlPlane;
beforeEach(async () => {
  server = await startFakeControlPlane();
});
afterEach(() => server.close());

const ONE = {
  'main.tf': 'resource "terraform_data" "a" {\n  input = "x"\n}\noutput "o" {\n  value = terraform_data.a.output\n}\n',
};

describe('runner', () => {
  it('plans and applies in one go', async () => {
    const prepared = await prepareAttempt(server, { files: ONE });
    const { folder, attempt } = prepared;
    writeTask(prepared);
    const runner = await startRunner(folder);
    const ended = await runner.heard('ended');
    expect(ended).toMatchObject({ result: 'succeeded', exit_code: 0 });
    expect(await runner.exited).toBe(0);
    expect(attempt.finish).toMatchObject({
      result: 'succeeded',
      exit_code: 0,
      logs: [{ phase: 'plan' }, { phase: 'apply' }],
    });
    expect(attempt.logs.plan.toString()).toBe(rawLog(folder, 'plan'));
    expect(attempt.logs.apply.toString()).toContain('Apply complete!');
    expect(attempt.planReport?.details).toMatchObject({ has_changes: true, counts: { add: 1 } });
    expect(JSON.parse(String(attempt.current))).toMatchObject({ outputs: { o: { value: 'x' } } });
  });
});
