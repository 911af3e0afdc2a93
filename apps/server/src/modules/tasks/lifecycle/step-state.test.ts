import { describe, expect, it } from 'vitest';
import { ANN, applyTask, emptyWorld, mark, planTask, Scenario, stateId, T1, T2 } from './scenario-for-tests.ts';
import { step } from './step.ts';
import { findAggregate } from './world.ts';

describe('running or exited, permit used, own epoch | state POST', () => {
  it('stored and current', () => {
    const s = applyTask().applying();
    expect(s.post(1)).toMatchObject({ standing: 'current', again: false });
    expect(s.workspace.state).toMatchObject({ lineage: 'line', serial: 1 });
    expect(s.post(2).standing).toBe('current');
    expect(s.attempt.states.map((state) => state.standing)).toEqual(['past', 'current']);
  });

  it('a serial below one already stored from this attempt is kept as superseded and never moves current', () => {
    const s = applyTask().applying();
    s.post(5);
    expect(s.post(4).standing).toBe('superseded');
    expect(s.workspace.state?.serial).toBe(5);
    expect(s.workspace.undecided).toEqual([]);
  });

  it('the same content again gets the same answer, before the fence is looked at', () => {
    const s = applyTask().applying();
    const first = s.post(1);
    const late = s.post(0);
    s.finish({ exitCode: 1, lastState: mark(1) });
    expect(s.attempt.state).toBe('ended');
    const { world } = s;
    expect(s.post(1)).toMatchObject({ id: first.id, again: true });
    expect(s.post(0)).toMatchObject({ id: late.id, standing: 'superseded', again: true });
    expect(s.world.attempts).toEqual(world.attempts);
  });

  it('the same serial with other content is kept for a person to decide', () => {
    const s = applyTask().applying();
    s.post(1);
    const other = s.must({ kind: 'state_posted', id: stateId('other'), mark: { ...mark(1), checksum: 'other' } });
    expect(other.standing).toBe('quarantined');
    expect(s.workspace.state?.checksum).toBe('sum-line-1');
  });

  it('another lineage, or a serial that does not follow the present one, is quarantined', () => {
    const s = applyTask();
    s.push(7);
    s.applying();
    expect(s.post(8, 'elsewhere').standing).toBe('quarantined');
    expect(s.post(7).standing).toBe('quarantined');
    expect(s.post(8).standing).toBe('current');
  });

  it('after its exit an interrupted or finished apply still delivers its state', () => {
    const s = applyTask()
      .applying()
      .finish({ lastState: mark(1) });
    expect(s.attempt.state).toBe('exited');
    expect(s.post(1).standing).toBe('current');
    expect(s.task.status).toBe('applied');
  });
});

describe('fence', () => {
  it('a plan, an unused permit and an attempt without permit write nothing: quarantined, and somebody is told', () => {
    for (const s of [planTask().run(), applyTask().permitted(), applyTask().approved().run()]) {
      expect(s.post(1).standing).toBe('quarantined');
      expect(s.workspace.state).toBeNull();
      expect(s.workspace.undecided).toHaveLength(1);
      expect(s.had('alert')).toBe(true);
    }
  });

  it('ended | anything that delivers: a state goes into quarantine, under the next holder too', () => {
    const world = emptyWorld([
      { id: T1, type: 'plan_and_apply', autoApprove: false },
      { id: T2, type: 'plan_and_apply', autoApprove: false },
    ]);
    const first = new Scenario(world, T1).applying();
    const old = first.attempt.id;
    first.post(1);
    first.abandon();
    first.close();
    first.unlockWorkspace();
    const second = new Scenario(first.world, T2);
    second.now = first.now;
    second.applying();
    const next = new Scenario(second.world, T1);
    expect(next.post(2, 'line', old).standing).toBe('quarantined');
    expect(next.workspace.state?.serial).toBe(1);
    expect(next.taskWith(T2).approval?.voidedAt).toBeNull();
  });

  it('the epoch alone fences, whatever else the rows say', () => {
    const s = applyTask().applying();
    s.world = { ...s.world, workspace: { ...s.workspace, holderEpoch: 99, epochCounter: 99 } };
    const aggregate = findAggregate(s.world, { taskId: T1 });
    const event = { kind: 'state_posted', id: stateId('late'), mark: mark(1) } as const;
    expect(aggregate && step(aggregate, event, s.now)).toMatchObject({
      refused: false,
      answer: { standing: 'quarantined' },
    });
    const lock = { kind: 'lock_arrived', nonce: s.attempt.nonce ?? '', lockId: 'tf-lock-1' } as const;
    expect(aggregate && step(aggregate, lock, s.now)).toMatchObject({ refused: true, code: 'fenced' });
  });

  it('voids the approval of the task that holds the workspace now', () => {
    const world = emptyWorld([
      { id: T1, type: 'plan_and_apply', autoApprove: false },
      { id: T2, type: 'plan_and_apply', autoApprove: false },
    ]);
    const first = new Scenario(world, T1).applying().abandon();
    first.close();
    first.unlockWorkspace();
    const second = new Scenario(first.world, T2);
    second.now = first.now;
    second.approved();
    const late = new Scenario(second.world, T1);
    late.post(1);
    expect(late.taskWith(T2)).toMatchObject({ status: 'awaiting_approval', approval: { voidedAt: late.now } });
    expect(late.task.status).toBe('failed');
  });

  it('while a permit is live every other state write is refused with held, even under a lock', () => {
    for (const s of [applyTask().permitted(), applyTask().applying()]) {
      s.lockWorkspace(ANN);
      expect(s.push(9, ANN)).toMatchObject({ refused: true, code: 'held' });
      const id = stateId('q');
      expect(
        s.fence({ kind: 'write_state', how: 'accept', by: ANN, id, mark: mark(9), newLineage: false, quarantined: id }),
      ).toMatchObject({ refused: true, code: 'held' });
      expect(
        s.fence({
          kind: 'write_state',
          how: 'rollback',
          by: ANN,
          id,
          mark: mark(9),
          newLineage: false,
          quarantined: null,
        }),
      ).toMatchObject({ refused: true, code: 'held' });
    }
  });
});
