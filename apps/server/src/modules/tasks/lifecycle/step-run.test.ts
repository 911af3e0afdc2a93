import { describe, expect, it } from 'vitest';
import { ANN, agentId, applyTask, HOUR, MINUTE, planTask, SECOND } from './scenario-for-tests.ts';

describe('running, no permit | renew', () => {
  it('lease 60 s; the answer carries what the server wants', () => {
    const s = planTask()
      .run()
      .wait(15 * SECOND);
    expect(s.must({ kind: 'renew', stage: 'planning' })).toEqual({
      kind: 'renewed',
      verdict: 'go_on',
      cancelLevel: 0,
      leaseMs: 60 * SECOND,
      renewEveryMs: 15 * SECOND,
    });
    expect(s.attempt.leaseUntil).toBe(s.now + 60 * SECOND);
    expect(s.task.stage).toBe('planning');
    s.must({ kind: 'cancel', level: 2, force: false, by: ANN });
    expect(s.must({ kind: 'renew', stage: null })).toMatchObject({ cancelLevel: 2 });
  });

  it('a stage that comes late is left out; the renewal counts all the same', () => {
    const s = planTask().run();
    s.must({ kind: 'renew', stage: 'planning' });
    s.wait(SECOND).must({ kind: 'renew', stage: 'init' });
    expect(s.task.stage).toBe('planning');
    expect(s.attempt.leaseUntil).toBe(s.now + 60 * SECOND);
  });

  it('an offer is accepted before it is renewed', () => {
    expect(planTask().assign().refused({ kind: 'renew', stage: null })).toBe('illegal');
  });

  it('renewing keeps it from being lost', () => {
    const s = planTask().run();
    for (let i = 0; i < 20; i++) {
      s.sleep(100 * SECOND).must({ kind: 'renew', stage: null });
    }
    expect(s.attempt.state).toBe('running');
  });
});

describe('stage', () => {
  it('goes forward, says nothing of an apply without a permit, and does not complete the task', () => {
    const s = planTask().run();
    s.must({ kind: 'stage', stage: 'planning' });
    s.must({ kind: 'stage', stage: 'planning' });
    for (const stage of ['init', 'applying', 'saving_state', 'completed'] as const)
      expect(s.refused({ kind: 'stage', stage })).toBe('illegal');
    const apply = applyTask().permitted();
    apply.must({ kind: 'stage', stage: 'applying' });
    expect(apply.task.stage).toBe('applying');
  });
});

describe('running, no permit | runner returns it, or agent/token revoked', () => {
  it('ended(returned): queued again, counted for the runner, uncounted for a revocation', () => {
    const s = planTask().run();
    s.must({ kind: 'return', reason: 'disk full' });
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'returned' });
    expect(s.task).toMatchObject({
      status: 'pending',
      stage: null,
      returns: [{ why: 'returned', reason: 'disk full', agentId: agentId(1) }],
    });
    s.run().must({ kind: 'agent_revoked' });
    expect(s.attempt.outcome).toBe('returned');
    expect(s.task.returns).toHaveLength(1);
  });

  it('after a cancel the task is cancelled instead of queued', () => {
    for (const event of [{ kind: 'return', reason: 'disk full' }, { kind: 'agent_revoked' }] as const) {
      const s = planTask().run();
      s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
      s.must(event);
      expect(s.task).toMatchObject({ status: 'cancelled' });
    }
  });

  it('revoking takes nothing from an apply that has its permit: an alert, and it goes on', () => {
    for (const s of [applyTask().permitted(), applyTask().applying()]) {
      const { attempt } = s;
      s.must({ kind: 'agent_revoked' });
      expect(s.attempt).toBe(attempt);
      expect(s.had('alert')).toBe(true);
    }
  });

  it('is refused once Terraform applies', () => {
    expect(applyTask().applying().refused({ kind: 'return', reason: 'disk' })).toBe('illegal');
  });

  it('a revocation changes nothing for a task without an open attempt', () => {
    const s = applyTask().planned();
    const { task } = s;
    s.must({ kind: 'agent_revoked' });
    expect(s.task).toBe(task);
  });
});

describe('running, no permit | no renewal for 120 s, or proof of death', () => {
  it('ended(lost): queued again if fewer than 2 such losses, else failed with the reason', () => {
    const s = planTask()
      .run()
      .sleep(119 * SECOND);
    expect(s.attempt.state).toBe('running');
    s.sleep(SECOND);
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'lost' });
    expect(s.task).toMatchObject({ status: 'pending', losses: 1, returns: [] });
    s.run().must({ kind: 'died', proof: 'pod' });
    expect(s.task).toMatchObject({ status: 'failed', losses: 2, reason: { code: 'too_many_losses' } });
    expect(s.task.reason?.message).toContain('pod');
  });

  it('an approved apply keeps its plan when an attempt without permit is lost', () => {
    const s = applyTask()
      .approved()
      .run()
      .sleep(120 * SECOND);
    expect(s.task).toMatchObject({ status: 'pending', phase: 'apply', plan: { checksum: 'plan-1' } });
    expect(s.assign(2).attempt.action).toBe('apply');
  });

  it('a plan that was stored but not finished is made anew', () => {
    const s = applyTask()
      .run()
      .storePlan()
      .sleep(120 * SECOND);
    expect(s.task).toMatchObject({ status: 'pending', phase: 'plan', plan: null });
    expect(s.had('void_plan')).toBe(true);
  });

  it('after a cancel the task is cancelled', () => {
    const s = planTask().run();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    s.must({ kind: 'died', proof: 'folder' });
    expect(s.task.status).toBe('cancelled');
    expect(s.attempt.outcome).toBe('lost');
  });
});

describe('running, permit unused | proof that Terraform was never started, or 120 s of silence', () => {
  it('never started → ended(returned): permit withdrawn, queued again, counted once', () => {
    const s = applyTask().permitted();
    s.must({ kind: 'never_started' });
    expect(s.attempt).toMatchObject({ outcome: 'returned', permit: 'withdrawn' });
    expect(s.task).toMatchObject({ status: 'pending', phase: 'apply', losses: 0, returns: [{ why: 'never_started' }] });
    expect(s.workspace.permit).toBeNull();
  });

  it('120 s of silence → ended(lost): permit withdrawn, a return and no loss; the next one gets a permit', () => {
    const s = applyTask()
      .permitted()
      .sleep(120 * SECOND);
    expect(s.attempt).toMatchObject({ outcome: 'lost', permit: 'withdrawn' });
    expect(s.task).toMatchObject({ status: 'pending', losses: 0, returns: [{ why: 'permit_withdrawn' }] });
    expect(s.run(2).askPermit()).toMatchObject({ granted: true });
    expect(s.workspace.holderEpoch).toBe(s.attempt.epoch);
  });

  it('a copied folder that took the LOCK too late is fenced', () => {
    const s = applyTask().permitted();
    const { id, nonce } = s.attempt;
    s.sleep(120 * SECOND)
      .run(2)
      .askPermit();
    expect(s.refused({ kind: 'lock_arrived', nonce: nonce ?? '', lockId: 'tf-old' }, id)).toBe('fenced');
    s.lock();
    expect(s.attempt.permit).toBe('used');
  });

  it('death is sound as well: Terraform may have run, but never got its LOCK', () => {
    const s = applyTask().permitted();
    s.must({ kind: 'died', proof: 'folder' });
    expect(s.attempt).toMatchObject({ outcome: 'lost', permit: 'withdrawn' });
    expect(s.task.status).toBe('pending');
  });

  it('five withdrawn permits fail the task', () => {
    const s = applyTask().approved();
    for (let i = 0; i < 5; i++) {
      s.run().askPermit();
      s.must({ kind: 'never_started' });
    }
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'too_many_returns' } });
  });
});

describe('running, permit | renew, contact lost', () => {
  it('running, permit | renew → lease 60 s', () => {
    const s = applyTask()
      .applying()
      .wait(30 * SECOND);
    s.must({ kind: 'renew', stage: 'applying' });
    expect(s.attempt.leaseUntil).toBe(s.now + 60 * SECOND);
  });

  it('running, permit used | contact lost → hold stays, nothing is remembered', () => {
    const s = applyTask()
      .applying()
      .sleep(5 * MINUTE);
    expect(s.attempt).toMatchObject({ state: 'running', permit: 'used' });
    expect(s.workspace.hold).toBe(s.taskId);
    expect(s.task.status).toBe('running');
    s.must({ kind: 'renew', stage: null });
    expect(s.attempt.leaseUntil).toBe(s.now + 60 * SECOND);
  });

  it('running, permit used | silent for max(rest of its time-out + 15 min, 1 h) → needs_attention(abandoned), alert, attempt open', () => {
    const s = applyTask().applying();
    const { timeoutAt, giveUpAt } = s.attempt;
    expect(giveUpAt).toBe((timeoutAt ?? 0) + 15 * MINUTE);
    s.abandon();
    expect(s.now).toBe(giveUpAt);
    expect(s.task).toMatchObject({ status: 'needs_attention', reason: { code: 'abandoned' } });
    expect(s.attempt.state).toBe('running');
    expect(s.had('alert')).toBe(true);
    expect(s.workspace.hold).toBe(s.taskId);
    expect(s.deadline).toBeNull();
  });

  it('… but never less than 1 h', () => {
    const s = applyTask().applying();
    while (s.now < (s.attempt.timeoutAt ?? 0) - 10 * MINUTE) s.sleep(MINUTE).must({ kind: 'renew', stage: null });
    expect(s.attempt.giveUpAt).toBe(s.now + HOUR);
  });

  it('needs_attention(abandoned) | renew → running again; close is no longer offered', () => {
    const s = applyTask().applying().abandon();
    s.must({ kind: 'renew', stage: null });
    expect(s.task).toMatchObject({ status: 'running', reason: null });
    expect(s.close()).toMatchObject({ refused: true, code: 'illegal' });
  });

  it('a state or the same permit again brings nobody back from abandoned', () => {
    const s = applyTask().applying().abandon();
    s.askPermit();
    s.post(1);
    expect(s.workspace.state).toMatchObject({ serial: 1 });
    expect(s.task.status).toBe('needs_attention');
  });

  it('running, permit used | proof of death → exited(interrupted): needs_attention, hold stays, epoch unchanged', () => {
    const s = applyTask().applying();
    const { holderEpoch } = s.workspace;
    s.must({ kind: 'died', proof: 'folder' });
    expect(s.attempt).toMatchObject({ state: 'exited', interrupted: true, permit: 'used', finish: null });
    expect(s.task).toMatchObject({ status: 'needs_attention', reason: { code: 'interrupted' } });
    expect(s.workspace).toMatchObject({ hold: s.taskId, holderEpoch });
    expect(s.had('alert')).toBe(true);
  });

  it('… states on their way still become current until a person closes', () => {
    const s = applyTask().applying();
    s.must({ kind: 'died', proof: 'folder' });
    expect(s.post(1).standing).toBe('current');
    s.close();
    expect(s.post(2).standing).toBe('quarantined');
  });

  it('proof of death of an abandoned apply makes it interrupted; told twice it is no news', () => {
    const s = applyTask().applying().abandon();
    s.must({ kind: 'died', proof: 'pod' });
    expect(s.task.reason?.code).toBe('interrupted');
    const { attempt } = s;
    s.must({ kind: 'died', proof: 'pod' });
    expect(s.attempt).toBe(attempt);
  });

  it('"never started" of an attempt whose LOCK was answered can only come from a copy', () => {
    const s = applyTask().applying();
    expect(s.refused({ kind: 'never_started' })).toBe('illegal');
  });

  it('a pod that died before its offer was accepted is a return', () => {
    const s = planTask().assign();
    s.must({ kind: 'died', proof: 'pod' });
    expect(s.task).toMatchObject({ status: 'pending', returns: [{ why: 'never_started' }] });
  });
});
