import { describe, expect, it } from 'vitest';
import {
  ANN,
  agentId,
  applyTask,
  autoTask,
  emptyWorld,
  MINUTE,
  planTask,
  Scenario,
  SECOND,
  T1,
  T2,
} from './scenario-for-tests.ts';

describe('– | assign', () => {
  it('task first in its order, not locked, hold free → offered, epoch from the counter, hold taken if it may apply', () => {
    const s = applyTask().assign();
    expect(s.attempt).toMatchObject({
      state: 'offered',
      epoch: 1,
      number: 1,
      action: 'plan',
      offerExpiresAt: s.now + 10 * SECOND,
      permit: 'none',
    });
    expect(s.workspace).toMatchObject({ hold: T1, epochCounter: 1, holderEpoch: 0 });
    expect(s.effects).toContainEqual({ kind: 'send_offer', agentId: agentId(1), attemptId: s.attempt.id });
  });

  it('a plan that may not apply takes no hold', () => {
    expect(planTask().assign().workspace.hold).toBeNull();
  });

  it('is refused on a locked workspace, plans included', () => {
    for (const s of [planTask().lockWorkspace(), applyTask().lockWorkspace(), applyTask().approved().lockWorkspace()]) {
      expect(s.refused({ kind: 'assign', attemptId: 'att-x' as never, agentId: agentId(1), firstInOrder: true })).toBe(
        'locked',
      );
    }
  });

  it('is refused while another task holds the workspace, but not for a plan', () => {
    const world = emptyWorld([
      { id: T1, type: 'plan_and_apply', autoApprove: false },
      { id: T2, type: 'plan_and_apply', autoApprove: false },
    ]);
    const first = new Scenario(world, T1).planned();
    const second = new Scenario(first.world, T2);
    expect(
      second.refused({ kind: 'assign', attemptId: 'att-x' as never, agentId: agentId(1), firstInOrder: true }),
    ).toBe('held');
    const plan = new Scenario({ ...first.world, tasks: [first.task, { ...second.task, type: 'plan' }] }, T2).assign();
    expect(plan.attempt.state).toBe('offered');
    expect(plan.workspace.hold).toBe(T1);
  });

  it('is refused out of order, and for a task that does not wait', () => {
    const event = { kind: 'assign', attemptId: 'att-x' as never, agentId: agentId(1), firstInOrder: false } as const;
    expect(applyTask().refused(event)).toBe('not_first');
    for (const s of [applyTask().assign(), applyTask().run(), applyTask().planned(), applyTask().applied()]) {
      expect(s.refused({ ...event, firstInOrder: true })).toBe('illegal');
    }
  });

  it('with auto-approve one attempt carries both phases; while a mark or an undecided quarantined state exists it does not', () => {
    expect(autoTask().assign().attempt.action).toBe('plan_apply');
    const doubtful = autoTask();
    doubtful.world = { ...doubtful.world, workspace: { ...doubtful.workspace, undecided: ['sv-q' as never] } };
    expect(doubtful.assign().attempt.action).toBe('plan');
    const marked = autoTask();
    marked.world = {
      ...marked.world,
      workspace: {
        ...marked.workspace,
        marks: [{ taskId: T2, attemptId: 'att-o' as never, attemptNumber: 1, since: 0 }],
      },
    };
    expect(marked.assign().attempt.action).toBe('plan');
  });

  it('the apply of an approved plan is an attempt of its own with a higher epoch', () => {
    const s = applyTask().approved().assign(2);
    expect(s.attempt).toMatchObject({ action: 'apply', number: 2, epoch: 2, agentId: agentId(2) });
  });
});

describe('offered | accept', () => {
  it('secret hash stored → running, lease 60 s', () => {
    const s = applyTask().assign();
    const answer = s.must({ kind: 'accept', secretHash: 'h' });
    expect(answer).toEqual({
      kind: 'accepted',
      attemptId: s.attempt.id,
      epoch: 1,
      action: 'plan',
      leaseMs: 60 * SECOND,
      cancelLevel: 0,
    });
    expect(s.attempt).toMatchObject({
      state: 'running',
      secretHash: 'h',
      leaseUntil: s.now + 60 * SECOND,
      offerExpiresAt: null,
    });
    expect(s.task).toMatchObject({ status: 'running', stage: 'fetching' });
  });

  it('the same accept again gets the same answer and changes nothing', () => {
    const s = applyTask().assign();
    const first = s.must({ kind: 'accept', secretHash: 'h' });
    const world = s.wait(30 * SECOND).world;
    expect(s.must({ kind: 'accept', secretHash: 'h' })).toEqual(first);
    expect(s.world.attempts[0]).toBe(world.attempts[0]);
  });

  it('another secret is somebody else', () => {
    const s = applyTask().run();
    expect(s.refused({ kind: 'accept', secretHash: 'other' })).toBe('fenced');
  });

  it('the phase it carries out sets its time: plan 1 h, apply 6 h', () => {
    const s = applyTask().run();
    expect(s.attempt.timeoutAt).toBe(s.now + 60 * MINUTE);
    s.storePlan().finish({ planChecksum: 'plan-1' }).approve().run();
    expect(s.attempt.timeoutAt).toBe(s.now + 360 * MINUTE);
  });
});

describe('offered | reject, or 10 s', () => {
  it('reject → ended(returned): queued again, agent passed over for 30 s, counted', () => {
    const s = applyTask().assign();
    s.must({ kind: 'reject', reason: 'no room' });
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'returned' });
    expect(s.task).toMatchObject({
      status: 'pending',
      attemptId: null,
      passedOver: [{ agentId: agentId(1), until: s.now + 30 * SECOND }],
    });
    expect(s.task.returns).toHaveLength(1);
    expect(s.workspace.hold).toBe(T1);
    expect(s.had('wake_dispatcher')).toBe(true);
  });

  it('10 s → the same, but silent offers do not count as returns', () => {
    const s = applyTask().assign();
    s.sleep(9_999);
    expect(s.attempt.state).toBe('offered');
    s.sleep(1);
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'returned' });
    expect(s.task).toMatchObject({
      status: 'pending',
      returns: [],
      passedOver: [{ agentId: agentId(1), until: s.now + 30 * SECOND }],
    });
  });

  it('only an offer that was sent counts against the silent agent', () => {
    expect(
      applyTask()
        .assign()
        .sleep(10 * SECOND)
        .had('count_silent_offer'),
    ).toBe(false);
    const sent = applyTask().assign();
    sent.must({ kind: 'mark_sent' });
    expect(sent.sleep(10 * SECOND).effects).toContainEqual({ kind: 'count_silent_offer', agentId: agentId(1) });
  });

  it('sending is noted once, and only while it is an offer', () => {
    const s = applyTask().assign();
    s.must({ kind: 'mark_sent' });
    const { sentAt } = s.attempt;
    s.wait(SECOND).must({ kind: 'mark_sent' });
    expect(s.attempt.sentAt).toBe(sentAt);
    const early = applyTask().run();
    early.must({ kind: 'mark_sent' });
    expect(early.attempt.sentAt).toBeNull();
  });

  it('an accepted attempt is not rejected', () => {
    expect(applyTask().run().refused({ kind: 'reject', reason: 'late' })).toBe('illegal');
  });

  it('the fifth return fails the task with all five reasons', () => {
    const s = applyTask();
    for (const reason of ['disk full', 'no network', 'too old', 'no room']) s.assign().must({ kind: 'reject', reason });
    expect(s.task.status).toBe('pending');
    s.assign().must({ kind: 'reject', reason: 'going away' });
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'too_many_returns' } });
    for (const reason of ['disk full', 'no network', 'too old', 'no room', 'going away'])
      expect(s.task.reason?.message).toContain(reason);
    expect(s.workspace.hold).toBeNull();
  });
});

describe('offered | cancel', () => {
  it('ended(cancelled), hold released', () => {
    const s = applyTask().assign();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'cancelled' });
    expect(s.task).toMatchObject({ status: 'cancelled', reason: { code: 'cancelled' } });
    expect(s.workspace.hold).toBeNull();
    expect(s.refused({ kind: 'accept', secretHash: 'late' })).toBe('fenced');
  });
});

describe('an offer whose agent is revoked', () => {
  it('is taken back, uncounted', () => {
    const s = applyTask().assign();
    s.must({ kind: 'agent_revoked' });
    expect(s.attempt.outcome).toBe('returned');
    expect(s.task).toMatchObject({ status: 'pending', returns: [] });
  });
});
