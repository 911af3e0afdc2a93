import { describe, expect, it } from 'vitest';
import { shiftDeadlines } from './deadlines.ts';
import { outageShift } from './lease.ts';
import {
  ANN,
  applyTask,
  autoTask,
  BOB,
  emptyWorld,
  exitRecord,
  FIGURES,
  MINUTE,
  mark,
  planTask,
  Scenario,
  SECOND,
  stateId,
  T1,
  T2,
} from './scenario-for-tests.ts';
import { findAggregate } from './world.ts';

describe('needs_attention, or permit used and contact lost | a person closes', () => {
  it('ended(closed), holder_epoch from the counter, hold released, task failed(closed)', () => {
    const s = applyTask().applying().abandon();
    const counter = s.workspace.epochCounter;
    expect(s.close()).toMatchObject({ refused: false });
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'closed', permit: 'used' });
    expect(s.workspace).toMatchObject({
      epochCounter: counter + 1,
      holderEpoch: counter + 1,
      hold: null,
      permit: null,
    });
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'closed' } });
    expect(s.had('attempt_ended')).toBe(true);
  });

  it('permit used and contact lost → offered; in contact, or without permit, it is not', () => {
    const lost = applyTask()
      .applying()
      .wait(61 * SECOND);
    expect(lost.close()).toMatchObject({ refused: false });
    expect(
      applyTask()
        .applying()
        .wait(60 * SECOND)
        .close(),
    ).toMatchObject({ refused: true, code: 'illegal' });
    expect(
      applyTask()
        .permitted()
        .wait(61 * SECOND)
        .close(),
    ).toMatchObject({ refused: true, code: 'illegal' });
    expect(applyTask().planned().close()).toMatchObject({ refused: true, code: 'illegal' });
    expect(applyTask().applied().close()).toMatchObject({ refused: true, code: 'ended' });
  });

  it("needs the workspace's name, and a person", () => {
    const s = applyTask().applying().abandon();
    expect(s.close(false)).toMatchObject({ refused: true, code: 'unconfirmed' });
    expect(s.refused({ kind: 'close', by: { kind: 'system' }, confirmed: true, reason: '' })).toBe('illegal');
  });
});

describe('Closing without proof of death', () => {
  it('locks the workspace in that person\'s name, with the mark "attempt N not proven dead"', () => {
    const s = applyTask().applying().abandon();
    s.close();
    expect(s.workspace.lock).toMatchObject({ by: ANN, lockId: null });
    expect(s.workspace.marks).toEqual([{ taskId: T1, attemptId: s.attempt.id, attemptNumber: 2, since: s.now }]);
  });

  it('a lock that stands keeps its owner', () => {
    const s = applyTask().applying().lockWorkspace(BOB).abandon();
    s.close();
    expect(s.workspace.lock?.by).toBe(BOB);
    expect(s.workspace.marks).toHaveLength(1);
  });

  it('takes the fence from nobody but the holder', () => {
    const world = emptyWorld([
      { id: T1, type: 'plan_and_apply', autoApprove: false },
      { id: T2, type: 'plan_and_apply', autoApprove: false },
    ]);
    const s = new Scenario(world, T1).applying();
    const waiting = new Scenario(s.world, T2);
    waiting.must({ kind: 'restored' });
    const { holderEpoch } = waiting.workspace;
    expect(waiting.close()).toMatchObject({ refused: false });
    expect(waiting.workspace.holderEpoch).toBe(holderEpoch);
    const applying = new Scenario(waiting.world, T1);
    expect(applying.post(1).standing).toBe('current');
  });

  it('with a proof there is neither lock nor mark', () => {
    const s = applyTask().applying();
    s.must({ kind: 'died', proof: 'folder' });
    s.close();
    expect(s.workspace).toMatchObject({ lock: null, marks: [] });
    const t = applyTask()
      .applying()
      .finish({ lastState: mark(1) })
      .sleep(10 * MINUTE);
    t.close();
    expect(t.workspace).toMatchObject({ lock: null, marks: [] });
  });

  it('unlocking repeats the warning; the mark stays, and with it there is no auto-approval', () => {
    const s = autoTask();
    s.run().storePlan();
    s.askPermit();
    s.lock().abandon().close();
    expect(s.fence({ kind: 'unlock', by: ANN, lockId: null, acknowledged: false })).toMatchObject({
      refused: true,
      code: 'unconfirmed',
    });
    s.unlockWorkspace();
    expect(s.workspace).toMatchObject({ lock: null, marks: [{ attemptId: s.attempt.id }] });
  });

  it('a late result, or a proof, clears the mark; the lock stays until it is opened', () => {
    const events = [
      { kind: 'finish', record: exitRecord(), logsIn: [] },
      { kind: 'died', proof: 'folder' },
    ] as const;
    for (const event of events) {
      const s = applyTask().applying().abandon();
      s.close();
      s.must(event);
      expect(s.workspace.marks).toEqual([]);
      expect(s.workspace.lock).not.toBeNull();
      expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'closed' } });
    }
  });

  it('a late state does not clear it, nor does a copy that says it never started', () => {
    const s = applyTask().applying().abandon();
    s.close();
    expect(s.post(1).standing).toBe('quarantined');
    expect(s.refused({ kind: 'never_started' })).toBe('illegal');
    expect(s.workspace.marks).toHaveLength(1);
  });

  it('a closed attempt is fenced', () => {
    const s = applyTask().applying().abandon();
    s.close();
    expect(s.send({ kind: 'renew', stage: null })).toMatchObject({
      refused: true,
      code: 'fenced',
      present: { attempt: { outcome: 'closed' } },
    });
  });
});

describe('After a restore', () => {
  const makers = [
    () => applyTask(),
    () => applyTask().assign(),
    () => applyTask().run(),
    () => applyTask().planned(),
    () => applyTask().approved(),
    () => applyTask().permitted(),
    () => applyTask().applying(),
  ];

  it('every task that may apply and has not ended becomes needs_attention, its workspace is locked, approvals without permit are void', () => {
    for (const make of makers) {
      const s = make();
      s.must({ kind: 'restored' });
      expect(s.task).toMatchObject({ status: 'needs_attention', reason: { code: 'restored' } });
      expect(s.workspace.lock).not.toBeNull();
      const spent = s.world.attempts.some((a) => a.permit !== 'none');
      if (s.task.approval && !spent) expect(s.task.approval.voidedAt).toBe(s.now);
      expect(s.close()).toMatchObject({ refused: false });
    }
  });

  it('plans alone and ended tasks are left as they are', () => {
    for (const s of [planTask().run(), applyTask().applied()]) {
      const { task } = s;
      s.must({ kind: 'restored' });
      expect(s.task).toBe(task);
    }
  });

  it('nothing begins to apply: no permit, no LOCK, no return to the queue', () => {
    const asked = applyTask().approved().run();
    asked.must({ kind: 'restored' });
    expect(asked.refused({ kind: 'permit_asked', nonce: 'n', planChecksum: 'plan-1', agentRevoked: false })).toBe(
      'needs_attention',
    );
    asked.must({ kind: 'return', reason: 'disk' });
    expect(asked.task.status).toBe('needs_attention');
    const granted = applyTask().permitted();
    granted.must({ kind: 'restored' });
    expect(granted.refused({ kind: 'lock_arrived', nonce: granted.attempt.nonce ?? '', lockId: 'tf' })).toBe(
      'needs_attention',
    );
  });

  it('an apply under way still delivers, and its exit record ends it', () => {
    const s = applyTask().applying();
    s.must({ kind: 'restored' });
    s.must({ kind: 'renew', stage: null });
    expect(s.task.status).toBe('needs_attention');
    expect(s.post(1).standing).toBe('current');
    expect(s.finish({ lastState: mark(1) }).task.status).toBe('applied');
  });
});

describe('workspace lock', () => {
  it("is one person's; the same again is no news; another is told who has it", () => {
    const s = applyTask().lockWorkspace(ANN);
    const { lock } = s.workspace;
    expect(s.fence({ kind: 'lock', by: ANN, reason: 'again', lockId: null })).toMatchObject({ refused: false });
    expect(s.workspace.lock).toBe(lock);
    expect(s.fence({ kind: 'lock', by: BOB, reason: 'mine', lockId: null })).toMatchObject({
      refused: true,
      code: 'locked',
    });
    expect(s.push(1, BOB)).toMatchObject({ refused: true, code: 'locked' });
    expect(s.push(1, ANN)).toMatchObject({ refused: false });
  });

  it("a LOCK sent by a user's own Terraform is this lock too, but not beside a permit; its UNLOCK opens only that", () => {
    const s = applyTask();
    s.fence({ kind: 'lock', by: ANN, reason: 'terraform apply', lockId: 'tf-ann' });
    expect(s.fence({ kind: 'unlock', by: ANN, lockId: 'tf-other', acknowledged: false })).toMatchObject({
      refused: true,
      code: 'locked',
    });
    expect(s.fence({ kind: 'unlock', by: ANN, lockId: 'tf-ann', acknowledged: false })).toMatchObject({
      refused: false,
    });
    expect(
      applyTask().applying().fence({ kind: 'lock', by: ANN, reason: 'terraform apply', lockId: 'tf-ann' }),
    ).toMatchObject({ refused: true, code: 'held' });
    expect(applyTask().applying().fence({ kind: 'lock', by: ANN, reason: 'maintenance', lockId: null })).toMatchObject({
      refused: false,
    });
  });

  it('unlocking what is open is no news', () => {
    expect(applyTask().fence({ kind: 'unlock', by: ANN, lockId: null, acknowledged: false })).toMatchObject({
      refused: false,
    });
  });
});

describe('a quarantined state', () => {
  it('is taken over as a new version, or decided against; twice decided is decided', () => {
    const s = planTask().run();
    const first = s.post(3).id;
    const second = s.post(4).id;
    const accept = {
      kind: 'write_state',
      how: 'accept',
      by: ANN,
      id: stateId('new'),
      mark: mark(1),
      newLineage: false,
      quarantined: first,
    } as const;
    expect(s.fence(accept)).toMatchObject({ refused: false });
    expect(s.effects).toContainEqual({ kind: 'decide_quarantined', id: first, accepted: true });
    expect(s.workspace).toMatchObject({ state: { serial: 1 }, undecided: [second] });
    expect(s.fence({ ...accept, mark: mark(2) })).toMatchObject({ refused: true, code: 'not_found' });
    s.fence({ kind: 'discard_quarantined', id: second });
    expect(s.workspace.undecided).toEqual([]);
    expect(s.fence({ kind: 'discard_quarantined', id: second })).toMatchObject({ refused: false, effects: [] });
  });
});

describe('a push', () => {
  it('follows the present serial, and changes the lineage only when asked to', () => {
    const s = applyTask();
    s.push(2);
    expect(s.push(2)).toMatchObject({ refused: true, code: 'illegal' });
    const other = {
      kind: 'write_state',
      how: 'push',
      by: ANN,
      id: stateId('x'),
      mark: mark(1, 'other'),
      newLineage: false,
      quarantined: null,
    } as const;
    expect(s.fence(other)).toMatchObject({ refused: true, code: 'illegal' });
    expect(s.fence({ ...other, newLineage: true })).toMatchObject({ refused: false });
  });
});

describe('an outage of the server', () => {
  it('moves every deadline by the gap + 60 s, once the gap is over 15 s', () => {
    expect(outageShift(0, 15 * SECOND, FIGURES)).toBe(0);
    expect(outageShift(0, 300 * SECOND, FIGURES)).toBe(360 * SECOND);
    const s = planTask().run();
    const aggregate = findAggregate(s.world, { taskId: T1 });
    const shifted = aggregate && shiftDeadlines(aggregate, 1000).attempt;
    expect(shifted).toMatchObject({
      leaseUntil: (s.attempt.leaseUntil ?? 0) + 1000,
      giveUpAt: (s.attempt.giveUpAt ?? 0) + 1000,
      timeoutAt: (s.attempt.timeoutAt ?? 0) + 1000,
      stopBy: null,
    });
    const waiting = applyTask().planned();
    const plan = findAggregate(waiting.world, { taskId: T1 });
    expect(plan && shiftDeadlines(plan, 1000).task.plan?.expiresAt).toBe((waiting.task.plan?.expiresAt ?? 0) + 1000);
  });
});
