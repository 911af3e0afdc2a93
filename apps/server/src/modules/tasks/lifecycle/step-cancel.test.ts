import { describe, expect, it } from 'vitest';
import { ANN, applyTask, autoTask, HOUR, MINUTE, mark, planTask, SECOND } from './scenario-for-tests.ts';

const cancel = (level: 1 | 2 | 3, force = false) => ({ kind: 'cancel', level, force, by: ANN }) as const;

describe('running | cancel(level)', () => {
  it("the task's level only rises, and the far side is told", () => {
    const s = planTask().run();
    s.must(cancel(2));
    expect(s.task.cancelLevel).toBe(2);
    expect(s.effects).toContainEqual({
      kind: 'tell_agent',
      agentId: s.attempt.agentId,
      attemptId: s.attempt.id,
      cancelLevel: 2,
    });
    s.must(cancel(1));
    expect(s.task.cancelLevel).toBe(2);
    s.must(cancel(3));
    expect(s.task.cancelLevel).toBe(3);
  });

  it('past 1 on an apply only by a person with force', () => {
    for (const s of [applyTask().permitted(), applyTask().applying()]) {
      s.must(cancel(1));
      expect(s.refused(cancel(2))).toBe('force_needed');
      expect(s.refused({ kind: 'cancel', level: 3, force: true, by: { kind: 'system' } })).toBe('force_needed');
      s.must(cancel(2, true));
      expect(s.task.cancelLevel).toBe(2);
    }
  });

  it('an attempt that may apply but has no permit is still a plan', () => {
    const s = autoTask().run();
    s.must(cancel(3));
    expect(s.task.cancelLevel).toBe(3);
  });

  it('a cancel before the task is loaded is honoured before the permit', () => {
    const s = applyTask().approved().run();
    s.must(cancel(1));
    expect(s.askPermit()).toMatchObject({ granted: false, why: 'cancelled' });
  });
});

describe('running, no permit | 2 min after a cancel still no exit', () => {
  it('ended(cancelled), whatever it renews; a second cancel does not start the time again', () => {
    for (const s of [planTask().run(), applyTask().permitted()]) {
      s.must(cancel(1));
      s.sleep(MINUTE).must({ kind: 'renew', stage: null });
      s.must(cancel(1));
      s.sleep(59 * SECOND);
      expect(s.attempt.state).toBe('running');
      s.sleep(SECOND);
      expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'cancelled' });
      expect(s.task).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
      expect(s.workspace.permit).toBeNull();
    }
  });
});

describe('running | time-out', () => {
  it('plan 1 h → cancel level 1', () => {
    const s = planTask().run();
    while (s.now < (s.attempt.timeoutAt ?? 0)) {
      expect(s.task.cancelLevel).toBe(0);
      s.sleep(MINUTE).must({ kind: 'renew', stage: null });
    }
    s.sleep(0);
    expect(s.task).toMatchObject({ cancelLevel: 1, cancelCause: 'timed_out' });
    s.sleep(MINUTE).must({ kind: 'renew', stage: null });
    s.sleep(MINUTE);
    expect(s.task).toMatchObject({ status: 'cancelled', reason: { code: 'timed_out' } });
  });

  it('apply 6 h → cancel level 1 and an alert', () => {
    const s = applyTask().applying();
    s.sleep((s.attempt.timeoutAt ?? 0) - s.now);
    expect(s.task).toMatchObject({ status: 'running', cancelLevel: 1 });
    expect(s.had('alert')).toBe(true);
    expect(s.had('tell_agent')).toBe(true);
  });

  it('a phase of its own time: with both phases the apply has 6 h from the stored plan', () => {
    const s = autoTask()
      .run()
      .wait(50 * MINUTE);
    s.storePlan();
    expect(s.attempt.timeoutAt).toBe(s.now + 6 * HOUR);
  });
});

describe('running, permit used | 15 min after cancel or time-out still no exit', () => {
  it('needs_attention(stuck), attempt open, also while it renews', () => {
    const s = applyTask().applying();
    s.must(cancel(1));
    for (let i = 0; i < 15; i++) {
      expect(s.task.status).toBe('running');
      s.sleep(MINUTE).must({ kind: 'renew', stage: null });
    }
    expect(s.task).toMatchObject({ status: 'needs_attention', reason: { code: 'stuck' } });
    expect(s.attempt).toMatchObject({ state: 'running', permit: 'used' });
    expect(s.workspace.hold).toBe(s.taskId);
    expect(s.close()).toMatchObject({ refused: false });
  });

  it('after a time-out as well', () => {
    const s = applyTask().applying();
    while (s.task.status === 'running') s.sleep(MINUTE).must({ kind: 'renew', stage: null });
    expect(s.task.reason?.code).toBe('stuck');
    expect(s.now).toBeLessThanOrEqual((s.attempt.timeoutAt ?? 0) + 16 * MINUTE);
  });
});

describe('exited, apply; needs_attention | cancel', () => {
  it('refused, with the reason', () => {
    const exited = applyTask()
      .applying()
      .finish({ lastState: mark(1) });
    expect(exited.refused(cancel(1))).toBe('illegal');
    const unused = applyTask().permitted();
    unused.must({
      kind: 'finish',
      record: {
        exitCode: 1,
        signal: null,
        failedAt: null,
        timedOut: false,
        logs: [{ phase: 'apply', length: 1, checksum: 'x' }],
        planChecksum: null,
        lastState: null,
      },
      logsIn: [],
    });
    expect(unused.refused(cancel(1))).toBe('illegal');
    expect(applyTask().applying().abandon().refused(cancel(1))).toBe('needs_attention');
  });
});

describe('terminal', () => {
  it('cancelling what was cancelled is no news; what ended otherwise stays as it ended', () => {
    const s = applyTask();
    s.must(cancel(1));
    const { task } = s;
    s.must(cancel(3));
    expect(s.task).toBe(task);
    expect(applyTask().applied().refused(cancel(1))).toBe('ended');
  });
});
