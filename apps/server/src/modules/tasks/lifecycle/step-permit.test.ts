import { describe, expect, it } from 'vitest';
import { ANN, applyTask, autoTask, SECOND, T1 } from './scenario-for-tests.ts';

const ask = (nonce: string, planChecksum = 'plan-1') =>
  ({ kind: 'permit_asked', nonce, planChecksum, agentRevoked: false }) as const;

describe('running, no permit | permit asked', () => {
  it('approval for this checksum, present state, no cancel, no lock, own hold, agent trusted → permit, holder_epoch = own epoch', () => {
    const s = applyTask().approved().run();
    expect(s.workspace.holderEpoch).toBe(0);
    expect(s.must(ask('n'))).toEqual({ kind: 'permit', granted: true, permit: 'live', epoch: s.attempt.epoch });
    expect(s.workspace).toMatchObject({ holderEpoch: s.attempt.epoch, permit: s.attempt.id });
    expect(s.attempt).toMatchObject({ permit: 'live', nonce: 'n' });
  });

  it('with auto-approve the same attempt asks', () => {
    const s = autoTask().run().storePlan();
    expect(s.askPermit()).toMatchObject({ granted: true });
  });

  it('asked again → same answer, before and after its use; another nonce is a copy of the attempt', () => {
    const s = applyTask().approved().run();
    const first = s.must(ask('n'));
    expect(s.wait(SECOND).must(ask('n'))).toEqual(first);
    expect(s.refused(ask('m'))).toBe('fenced');
    s.must({ kind: 'lock_arrived', nonce: 'n', lockId: 'tf' });
    expect(s.must(ask('n'))).toMatchObject({ granted: true, epoch: s.attempt.epoch });
    expect(s.attempt.permit).toBe('used');
  });

  it('a plan needs none and gets none', () => {
    expect(applyTask().run().refused(ask('n'))).toBe('illegal');
    expect(applyTask().approved().assign().refused(ask('n'))).toBe('illegal');
  });
});

describe('running, no permit | permit refused', () => {
  it('cancelled → cancelled', () => {
    const s = applyTask().approved().run();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    expect(s.must(ask('n'))).toMatchObject({ granted: false, why: 'cancelled' });
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'cancelled', permit: 'none' });
    expect(s.task.status).toBe('cancelled');
    expect(s.workspace).toMatchObject({ hold: null, holderEpoch: 0 });
  });

  it('locked → ended(returned), uncounted, plan kept, waits as an approved apply', () => {
    for (const s of [applyTask().approved().run(), autoTask().run().storePlan()]) {
      s.lockWorkspace();
      expect(s.must(ask('n'))).toMatchObject({ granted: false, why: 'locked' });
      expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'returned' });
      expect(s.task).toMatchObject({
        status: 'pending',
        phase: 'apply',
        returns: [],
        passedOver: [],
        plan: { checksum: 'plan-1' },
      });
      expect(s.workspace.hold).toBe(T1);
      s.unlockWorkspace();
      expect(s.had('wake_dispatcher')).toBe(true);
      expect(s.run().askPermit()).toMatchObject({ granted: true });
    }
  });

  it('stale → failed(plan_stale)', () => {
    const s = applyTask().approved().run();
    s.push(3);
    expect(s.must(ask('n'))).toMatchObject({ granted: false, why: 'stale' });
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'plan_stale' } });
    expect(s.workspace.hold).toBeNull();
  });

  it('revoked → ended(returned), uncounted', () => {
    const s = applyTask().approved().run();
    expect(s.askPermit(true)).toMatchObject({ granted: false, why: 'revoked' });
    expect(s.task).toMatchObject({ status: 'pending', phase: 'apply', returns: [] });
  });

  it('another plan file than the approved one → no permit, counted as a return of that runner', () => {
    const s = applyTask().approved().run();
    expect(s.must(ask('n', 'plan-2'))).toMatchObject({ granted: false, why: 'not_approved' });
    expect(s.task).toMatchObject({ status: 'pending', phase: 'apply', returns: [{ why: 'wrong_plan' }] });
  });

  it('not approved (both phases, auto-approval withheld) → planned anew, by an attempt that a person approves', () => {
    const s = autoTask().run();
    s.post(9);
    s.storePlan();
    expect(s.must(ask('n'))).toMatchObject({ granted: false, why: 'not_approved' });
    expect(s.task.status).toBe('pending');
    expect(s.task.plan).toBeNull();
    expect(s.assign().attempt.action).toBe('plan');
  });

  it('asking again after the refusal is fenced', () => {
    const s = applyTask().approved().run().lockWorkspace();
    s.must(ask('n'));
    expect(s.refused(ask('n'))).toBe('fenced');
  });
});

describe('running, permit | LOCK arrives', () => {
  it('epoch and permit checked → permit used', () => {
    const s = applyTask().permitted().lock();
    expect(s.attempt).toMatchObject({ permit: 'used', lockId: 'tf-lock-1' });
    expect(s.task.stage).toBe('applying');
  });

  it('the same LOCK again is answered alike; that of another Terraform is refused', () => {
    const s = applyTask().permitted().lock();
    const { attempt } = s;
    expect(s.lock().attempt).toBe(attempt);
    expect(s.refused({ kind: 'lock_arrived', nonce: attempt.nonce ?? '', lockId: 'tf-lock-2' })).toBe('fenced');
  });

  it('without permit, with a foreign nonce, or after the exit it is fenced', () => {
    const lock = { kind: 'lock_arrived', nonce: 'n', lockId: 'tf' } as const;
    expect(applyTask().approved().run().refused(lock)).toBe('fenced');
    expect(applyTask().permitted().refused(lock)).toBe('fenced');
    const exited = applyTask().applying();
    exited.must({ kind: 'died', proof: 'folder' });
    expect(exited.refused({ ...lock, nonce: exited.attempt.nonce ?? '' })).toBe('fenced');
  });

  it('after a cancel the apply does not begin: permit first → the SIGINT, and no first LOCK', () => {
    const s = applyTask().permitted();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    expect(s.refused({ kind: 'lock_arrived', nonce: s.attempt.nonce ?? '', lockId: 'tf' })).toBe('cancelled');
    s.finish({ exitCode: 1 });
    expect(s.task.status).toBe('cancelled');
    expect(s.attempt.permit).toBe('withdrawn');
  });

  it('a LOCK that was answered stays answered after a cancel', () => {
    const s = applyTask().applying();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    s.lock();
    expect(s.attempt.permit).toBe('used');
  });

  it("a person's lock after the permit does not stop it", () => {
    expect(applyTask().permitted().lockWorkspace().lock().attempt.permit).toBe('used');
  });
});
