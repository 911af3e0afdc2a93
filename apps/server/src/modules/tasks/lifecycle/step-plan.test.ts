import { describe, expect, it } from 'vitest';
import { ANN, applyTask, autoTask, HOUR, planTask, SECOND, T1 } from './scenario-for-tests.ts';

const DAY = 24 * HOUR;

describe('running, no permit | plan file stored', () => {
  it('one phase: stays running until finish', () => {
    const s = applyTask().run();
    expect(s.must({ kind: 'plan_stored', checksum: 'plan-1', madeFrom: null, hasChanges: true })).toEqual({
      kind: 'plan_taken',
      approved: false,
      proceed: false,
    });
    expect(s.task).toMatchObject({ status: 'running', stage: 'plan_saved', approval: null });
    expect(s.task.plan).toMatchObject({ attemptId: s.attempt.id, checksum: 'plan-1', expiresAt: s.now + 7 * DAY });
  });

  it('both phases: auto-approval is written in the same transaction, stays running, and the apply has its time from now', () => {
    const s = autoTask()
      .run()
      .wait(30 * SECOND);
    expect(s.must({ kind: 'plan_stored', checksum: 'plan-1', madeFrom: null, hasChanges: true })).toEqual({
      kind: 'plan_taken',
      approved: true,
      proceed: true,
    });
    expect(s.effects).toContainEqual(
      expect.objectContaining({
        kind: 'write_approval',
        approval: expect.objectContaining({ planChecksum: 'plan-1', madeFrom: null, by: { kind: 'system' } }),
      }),
    );
    expect(s.task).toMatchObject({ status: 'running', phase: 'apply' });
    expect(s.attempt.timeoutAt).toBe(s.now + 6 * HOUR);
  });

  it('no auto-approval of a plan without changes, of a stale one, after a cancel, or beside an undecided quarantined state', () => {
    const none = autoTask().run().storePlan(false);
    expect(none.task.approval).toBeNull();
    const stale = autoTask().run();
    stale.must({ kind: 'plan_stored', checksum: 'p', madeFrom: { lineage: 'line', serial: 4 }, hasChanges: true });
    expect(stale.task.approval).toBeNull();
    const cancelled = autoTask().run();
    cancelled.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    cancelled.storePlan();
    expect(cancelled.task.approval).toBeNull();
    const doubtful = autoTask().run();
    doubtful.post(9);
    doubtful.storePlan();
    expect(doubtful.task.approval).toBeNull();
  });

  it('is written once per attempt: the same again is no news, another is refused', () => {
    const s = applyTask().run().storePlan();
    const { task } = s;
    expect(s.storePlan().task).toBe(task);
    expect(s.refused({ kind: 'plan_stored', checksum: 'other', madeFrom: null, hasChanges: true })).toBe('contradicts');
  });

  it('an attempt that only applies, or is only offered, has no plan to store', () => {
    for (const s of [applyTask().approved().run(), applyTask().assign()]) {
      expect(s.refused({ kind: 'plan_stored', checksum: 'p', madeFrom: null, hasChanges: true })).toBe('illegal');
    }
  });
});

describe('approve', () => {
  it('names the checksum, is written as a row with the lineage and serial the plan was made from, and queues the apply', () => {
    const s = applyTask();
    s.push(5);
    s.planned().approve();
    const approval = {
      planChecksum: 'plan-1',
      madeFrom: { lineage: 'line', serial: 5 },
      by: ANN,
      at: s.now,
      voidedAt: null,
    };
    expect(s.effects).toContainEqual({ kind: 'write_approval', approval });
    expect(s.task).toMatchObject({ status: 'pending', phase: 'apply', approval });
    expect(s.had('wake_dispatcher')).toBe(true);
    expect(s.workspace.hold).toBe(T1);
  });

  it('another checksum is stale; the same approval again is no news', () => {
    const s = applyTask().planned();
    expect(s.refused({ kind: 'approve', planChecksum: 'plan-0', by: ANN })).toBe('stale');
    s.approve();
    const { task } = s;
    expect(s.approve().task).toBe(task);
  });

  it('only a person approves by hand, and only what waits for it', () => {
    expect(
      applyTask()
        .planned()
        .refused({ kind: 'approve', planChecksum: 'plan-1', by: { kind: 'system' } }),
    ).toBe('illegal');
    expect(applyTask().run().refused({ kind: 'approve', planChecksum: 'plan-1', by: ANN })).toBe('illegal');
    expect(applyTask().run().storePlan().refused({ kind: 'approve', planChecksum: 'plan-1', by: ANN })).toBe('illegal');
    expect(applyTask().applied().refused({ kind: 'approve', planChecksum: 'plan-1', by: ANN })).toBe('ended');
  });

  it('is taken on a locked workspace: the task waits and says so', () => {
    const s = applyTask().planned().lockWorkspace().approve();
    expect(s.task.status).toBe('pending');
  });
});

describe('no attempt (pending, awaiting, approved and waiting) | cancel or discard', () => {
  const makers = [() => applyTask(), () => applyTask().planned(), () => applyTask().approved()];

  it('cancel → cancelled, hold released', () => {
    for (const make of makers) {
      const s = make();
      s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
      expect(s.task).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
      expect(s.workspace.hold).toBeNull();
    }
  });

  it('discard → cancelled, hold released; twice is no news', () => {
    for (const make of makers) {
      const s = make();
      s.must({ kind: 'discard', by: ANN });
      expect(s.task).toMatchObject({ status: 'cancelled', reason: { code: 'discarded' } });
      expect(s.workspace.hold).toBeNull();
      const { task } = s;
      s.must({ kind: 'discard', by: ANN });
      expect(s.task).toBe(task);
    }
  });

  it('a plan that is under way is cancelled, not discarded; an ended one neither', () => {
    expect(applyTask().run().refused({ kind: 'discard', by: ANN })).toBe('illegal');
    expect(applyTask().applied().refused({ kind: 'discard', by: ANN })).toBe('ended');
  });

  it('the approval of a discarded task is void', () => {
    const s = applyTask().approved();
    s.must({ kind: 'discard', by: ANN });
    expect(s.task.approval?.voidedAt).toBe(s.now);
    expect(s.had('void_plan')).toBe(true);
  });
});

describe('awaiting_approval or approved | the state moves on, or 7 days', () => {
  it('a push → failed(plan_stale), hold released', () => {
    for (const s of [applyTask().planned(), applyTask().approved()]) {
      s.push(1);
      expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
      expect(s.workspace.hold).toBeNull();
    }
  });

  it('7 days → failed(plan_stale), hold released', () => {
    for (const s of [applyTask().planned(), applyTask().approved()]) {
      const left = 7 * DAY - (s.now - (s.task.plan?.storedAt ?? 0));
      s.sleep(left - 1);
      expect(s.task.completedAt).toBeNull();
      s.sleep(1);
      expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
      expect(s.workspace.hold).toBeNull();
    }
  });

  it('an attempt under way learns it with its permit', () => {
    const s = applyTask().approved().run();
    s.push(1);
    expect(s.task.status).toBe('running');
    expect(s.askPermit()).toMatchObject({ granted: false, why: 'stale' });
  });

  it('a plan that finishes after the state moved on is stale at once', () => {
    const s = applyTask().run().storePlan();
    s.push(1);
    s.finish({ planChecksum: 'plan-1' });
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
  });

  it('a plan alone is not harmed by a state that moves on', () => {
    const s = planTask().run().storePlan();
    s.push(1);
    s.finish({ planChecksum: 'plan-1' });
    expect(s.task.status).toBe('success');
  });
});

describe('a quarantined state that arrives', () => {
  it('voids approvals that have no permit yet: a person decides again', () => {
    const s = applyTask().approved();
    s.post(9);
    expect(s.task).toMatchObject({ status: 'awaiting_approval', approval: { voidedAt: s.now } });
    expect(s.had('void_approval')).toBe(true);
    s.approve();
    expect(s.task.status).toBe('pending');
    expect(s.run(2).askPermit()).toMatchObject({ granted: true });
  });

  it('of an attempt under way without permit: refused when it asks, plan kept, waits for a person, uncounted', () => {
    const s = applyTask().approved().run();
    s.post(9);
    expect(s.task.status).toBe('running');
    expect(s.askPermit()).toMatchObject({ granted: false, why: 'not_approved' });
    expect(s.task).toMatchObject({ status: 'awaiting_approval', returns: [], plan: { checksum: 'plan-1' } });
    expect(s.workspace.hold).toBe(T1);
  });

  it('takes nothing from an apply that has its permit', () => {
    const s = applyTask().permitted();
    s.post(9, 'line', s.world.attempts[0]?.id);
    expect(s.workspace.undecided).toHaveLength(1);
    expect(s.task.approval?.voidedAt).toBeNull();
    s.lock();
  });
});
