import { describe, expect, it } from 'vitest';
import { ANN, applyTask, autoTask, exitRecord, MINUTE, mark, planTask } from './scenario-for-tests.ts';

const LOG = { phase: 'plan', length: 10, checksum: 'log' } as const;
const APPLY_LOG = { phase: 'apply', length: 10, checksum: 'log' } as const;

describe('running, no permit | exit with an error of the configuration, init or plan', () => {
  it('exited → failed; never retried', () => {
    for (const [failedAt, code] of [
      ['configuration', 'configuration_error'],
      ['init', 'init_error'],
      ['plan', 'plan_error'],
      [null, 'plan_error'],
    ] as const) {
      const s = applyTask().run().finish({ exitCode: 1, failedAt });
      expect(s.task).toMatchObject({ status: 'failed', reason: { code } });
      expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'failed' });
      expect(s.workspace.hold).toBeNull();
    }
  });

  it('an apply whose init fails fails as well, its approval void', () => {
    const s = applyTask().approved().run().finish({ exitCode: 1, failedAt: 'init' });
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'init_error' }, approval: { voidedAt: s.now } });
  });

  it('a signal is no success', () => {
    expect(planTask().run().finish({ exitCode: 0, signal: 'SIGKILL' }).task.status).toBe('failed');
  });
});

describe('running, permit used | finish from a copied folder', () => {
  // Offered, accepted, the host copied; the copy fails in its init or reports its plan, while here Terraform has its lock.
  const fromCopy = [
    exitRecord({ exitCode: 1, failedAt: 'init' }),
    exitRecord({ exitCode: 1, failedAt: 'plan' }),
    exitRecord({ exitCode: 1, failedAt: 'configuration' }),
    exitRecord({ planChecksum: 'plan-1', logs: [LOG] }),
  ];

  it('ends nothing: the apply goes on and keeps its hold', () => {
    for (const record of fromCopy) {
      const s = applyTask().applying();
      expect(s.refused({ kind: 'finish', record, logsIn: [] })).toBe('illegal');
      expect(s.post(1).standing).toBe('current');
      expect(s.finish({ lastState: mark(1) }).task.status).toBe('applied');
    }
  });

  it('is no proof of death after a close', () => {
    for (const record of fromCopy) {
      const s = applyTask().applying().abandon();
      s.close();
      expect(s.refused({ kind: 'finish', record, logsIn: [] })).toBe('illegal');
      expect(s.workspace.marks).toHaveLength(1);
    }
  });

  it('leaves an exit record alone that names the plan beside what was applied', () => {
    for (const more of [{ logs: [APPLY_LOG], lastState: null }, { lastState: mark(1) }]) {
      const s = autoTask().run().storePlan();
      s.askPermit();
      s.lock().post(1);
      s.must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', ...more }), logsIn: ['apply'] });
      expect(s.task.status).toBe('applied');
    }
  });
});

describe('running | finish', () => {
  it('exited; idempotent', () => {
    const s = applyTask().run();
    s.must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', logs: [LOG] }), logsIn: [] });
    expect(s.attempt).toMatchObject({ state: 'exited', exitedAt: s.now, settleBy: s.now + 10 * MINUTE });
    expect(s.had('wake_dispatcher')).toBe(true);
    const { attempt } = s;
    const again = s
      .wait(MINUTE)
      .must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', logs: [{ ...LOG }] }), logsIn: [] });
    expect(again).toEqual({ kind: 'finished', confirmed: false });
    expect(s.attempt).toBe(attempt);
  });

  it('another record is refused: it is written once', () => {
    const s = applyTask().applied();
    expect(s.refused({ kind: 'finish', record: exitRecord({ exitCode: 1 }), logsIn: [] })).toBe('contradicts');
    expect(s.must({ kind: 'finish', record: exitRecord({ lastState: mark(1) }), logsIn: [] })).toEqual({
      kind: 'finished',
      confirmed: true,
    });
  });

  it('an offer has no exit', () => {
    expect(planTask().assign().refused({ kind: 'finish', record: exitRecord(), logsIn: [] })).toBe('illegal');
  });

  it('a time-out that the far side met first is the same cancel', () => {
    const s = planTask().run().finish({ exitCode: 1, timedOut: true });
    expect(s.task).toMatchObject({ status: 'cancelled', cancelLevel: 1, reason: { code: 'timed_out' } });
  });
});

describe('exited, plan | plan file and log in', () => {
  it('ended; nothing to apply → success', () => {
    const s = applyTask().run().storePlan(false).finish({ planChecksum: 'plan-1' });
    expect(s.task).toMatchObject({ status: 'success', stage: 'completed', reason: null });
    expect(s.workspace.hold).toBeNull();
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'finished' });
    expect(autoTask().run().storePlan(false).finish({ planChecksum: 'plan-1' }).task.status).toBe('success');
  });

  it('plan only → success', () => {
    expect(planTask().run().storePlan().finish({ planChecksum: 'plan-1' }).task.status).toBe('success');
    expect(planTask().run().finish().task.status).toBe('success');
  });

  it('approval needed → awaiting_approval, hold kept, no agent held', () => {
    const s = applyTask().planned();
    expect(s.task).toMatchObject({ status: 'awaiting_approval', phase: 'apply', attemptId: null, stage: null });
    expect(s.workspace.hold).toBe(s.taskId);
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'finished' });
  });

  it('auto-approve that was not written on the way is written now', () => {
    const s = autoTask();
    const id = 'sv-q' as never;
    s.world = { ...s.world, workspace: { ...s.workspace, undecided: [id] } };
    s.run().storePlan();
    expect(s.task.approval).toBeNull();
    s.fence({ kind: 'discard_quarantined', id });
    s.finish({ planChecksum: 'plan-1' });
    expect(s.task).toMatchObject({ status: 'pending', phase: 'apply', approval: { by: { kind: 'system' } } });
  });

  it('cancelled meanwhile → cancelled, its plan file void', () => {
    const s = applyTask().run().storePlan();
    s.must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', logs: [LOG] }), logsIn: [] });
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    expect(s.task.status).toBe('running');
    s.must({ kind: 'log_in', phase: 'plan' });
    expect(s.task.status).toBe('cancelled');
    expect(s.had('void_plan')).toBe(true);
  });

  it('waits for the plan file, and for the log', () => {
    const s = applyTask().run();
    s.must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', logs: [LOG] }), logsIn: [] });
    s.storePlan();
    expect(s.attempt.state).toBe('exited');
    s.must({ kind: 'log_in', phase: 'plan' });
    expect(s.task.status).toBe('awaiting_approval');
    const t = applyTask().run();
    t.must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', logs: [LOG] }), logsIn: ['plan'] });
    expect(t.attempt.state).toBe('exited');
    t.storePlan();
    expect(t.task.status).toBe('awaiting_approval');
  });

  it('a plan file that is not the one named does not count', () => {
    const s = applyTask().run().storePlan().finish({ planChecksum: 'plan-2' });
    expect(s.attempt.state).toBe('exited');
    expect(s.sleep(10 * MINUTE).task).toMatchObject({ status: 'failed', reason: { code: 'plan_file_missing' } });
  });

  it('Cancelled wins: a finished plan ends cancelled', () => {
    const s = applyTask().run();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    s.storePlan().finish({ planChecksum: 'plan-1' });
    expect(s.task.status).toBe('cancelled');
  });
});

describe('exited, apply | the named state is in the current line', () => {
  it('exit 0 → applied, hold released', () => {
    const s = applyTask().applied();
    expect(s.task).toMatchObject({ status: 'applied', stage: 'completed' });
    expect(s.workspace).toMatchObject({ hold: null, permit: null });
    expect(s.attempt).toMatchObject({ state: 'ended', outcome: 'finished', permit: 'used' });
  });

  it('exit 0 → applied also after a cancel', () => {
    const s = applyTask().applying();
    s.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    s.post(1);
    expect(s.finish({ lastState: mark(1) }).task.status).toBe('applied');
  });

  it('else failed, or cancelled when a cancel was asked for', () => {
    const failed = applyTask().applying();
    failed.post(1);
    failed.finish({ exitCode: 1, lastState: mark(1) });
    expect(failed.task).toMatchObject({ status: 'failed', reason: { code: 'apply_error' } });
    expect(failed.workspace.hold).toBeNull();
    const cancelled = applyTask().applying();
    cancelled.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    cancelled.post(1);
    cancelled.finish({ exitCode: 1, lastState: mark(1) });
    expect(cancelled.task.status).toBe('cancelled');
  });

  it('waits for the state, then for the log', () => {
    const s = applyTask().applying();
    s.must({ kind: 'finish', record: exitRecord({ lastState: mark(2), logs: [APPLY_LOG] }), logsIn: [] });
    s.post(1);
    expect(s.attempt.state).toBe('exited');
    s.post(2);
    expect(s.attempt.state).toBe('exited');
    s.must({ kind: 'log_in', phase: 'apply' });
    expect(s.task.status).toBe('applied');
  });

  it('quarantine does not count', () => {
    const s = applyTask()
      .applying()
      .finish({ lastState: mark(1, 'elsewhere') });
    s.post(1);
    s.post(1, 'elsewhere');
    expect(s.attempt.state).toBe('exited');
    expect(s.sleep(10 * MINUTE).task).toMatchObject({ status: 'needs_attention', reason: { code: 'state_missing' } });
  });

  it('an apply that failed before it wrote anything names no state and ends', () => {
    expect(applyTask().applying().finish({ exitCode: 1 }).task.status).toBe('failed');
  });

  it('success without ever taking the state lock is not believed', () => {
    for (const s of [applyTask().permitted(), applyTask().approved().run()]) {
      s.finish({ logs: [APPLY_LOG] });
      expect(s.task).toMatchObject({ status: 'needs_attention', reason: { code: 'state_missing' } });
      expect(s.workspace.hold).toBe(s.taskId);
    }
  });
});

describe('a plan that speaks of an apply', () => {
  it('is a plan all the same: it can have written nothing', () => {
    const s = planTask()
      .run()
      .finish({ lastState: mark(1), logs: [APPLY_LOG] });
    expect(s.task.status).toBe('success');
  });
});

describe('exited | 10 min', () => {
  it('only the log is incomplete → as above, log marked incomplete', () => {
    const s = applyTask().applying();
    s.post(1);
    s.must({ kind: 'finish', record: exitRecord({ lastState: mark(1), logs: [LOG, APPLY_LOG] }), logsIn: ['plan'] });
    s.sleep(10 * MINUTE - 1);
    expect(s.attempt.state).toBe('exited');
    s.sleep(1);
    expect(s.task.status).toBe('applied');
    expect(s.effects).toContainEqual({ kind: 'mark_logs_incomplete', attemptId: s.attempt.id, phases: ['apply'] });
  });

  it('a plan whose log is incomplete', () => {
    const s = applyTask().run().storePlan();
    s.must({ kind: 'finish', record: exitRecord({ planChecksum: 'plan-1', logs: [LOG] }), logsIn: [] });
    expect(s.sleep(10 * MINUTE).task.status).toBe('awaiting_approval');
    expect(s.had('mark_logs_incomplete')).toBe(true);
  });

  it('a missing plan file → failed', () => {
    const s = applyTask()
      .run()
      .finish({ planChecksum: 'plan-1' })
      .sleep(10 * MINUTE);
    expect(s.task).toMatchObject({ status: 'failed', reason: { code: 'plan_file_missing' } });
    expect(s.workspace.hold).toBeNull();
  });

  it('a missing state → needs_attention, hold stays', () => {
    const s = applyTask()
      .applying()
      .finish({ lastState: mark(1) })
      .sleep(10 * MINUTE);
    expect(s.task).toMatchObject({ status: 'needs_attention', reason: { code: 'state_missing' } });
    expect(s.workspace.hold).toBe(s.taskId);
    expect(s.attempt.state).toBe('exited');
    expect(s.had('alert')).toBe(true);
    expect(s.deadline).toBeNull();
  });

  it('… which ends once the state arrives, since its exit record is here', () => {
    const s = applyTask()
      .applying()
      .finish({ lastState: mark(1), logs: [] })
      .sleep(10 * MINUTE);
    s.post(1);
    expect(s.task.status).toBe('applied');
  });
});

describe('needs_attention | finish arrives', () => {
  it('exited, then settled: abandoned, stuck and interrupted alike', () => {
    const abandoned = applyTask().applying().abandon();
    const interrupted = applyTask().applying();
    interrupted.must({ kind: 'died', proof: 'folder' });
    const stuck = applyTask().applying();
    stuck.must({ kind: 'cancel', level: 1, force: false, by: ANN });
    stuck.sleep(15 * MINUTE);
    for (const s of [abandoned, interrupted, stuck]) {
      expect(s.task.status).toBe('needs_attention');
      s.finish({ lastState: mark(1) });
      expect(s.task).toMatchObject({ status: 'running', reason: null });
      expect(s.attempt.state).toBe('exited');
      s.post(1);
      expect(s.task.status).toBe('applied');
    }
  });

  it('a state alone is stored and changes no status', () => {
    const s = applyTask().applying();
    s.must({ kind: 'died', proof: 'folder' });
    expect(s.post(1).standing).toBe('current');
    expect(s.task.status).toBe('needs_attention');
    expect(s.attempt.state).toBe('exited');
  });
});

describe('ended | anything that delivers', () => {
  it('late result beside the task; never applied; told twice it is no news', () => {
    const s = planTask().run().sleep(120_000);
    s.run(2);
    const old = s.world.attempts[0]?.id;
    const record = exitRecord({ planChecksum: 'plan-1' });
    const { task } = s;
    expect(s.must({ kind: 'finish', record, logsIn: [] }, old)).toEqual({ kind: 'finished', confirmed: true });
    expect(s.effects).toContainEqual({ kind: 'store_late_finish', attemptId: old, record });
    expect(s.task).toBe(task);
    s.must({ kind: 'finish', record, logsIn: [] }, old);
    expect(s.had('store_late_finish')).toBe(false);
    s.must({ kind: 'log_in', phase: 'plan' }, old);
    expect(s.world.attempts[0]).toMatchObject({ state: 'ended', outcome: 'lost', lateFinish: record });
  });
});

describe('the folder is confirmed', () => {
  it('only when the state that the record names is here, in whatever standing, and the logs too', () => {
    const s = applyTask().applying().abandon();
    s.close();
    const event = {
      kind: 'finish',
      record: exitRecord({ lastState: mark(1), logs: [APPLY_LOG] }),
      logsIn: [],
    } as const;
    expect(s.must(event)).toEqual({ kind: 'finished', confirmed: false });
    s.must({ kind: 'log_in', phase: 'apply' });
    expect(s.must(event).confirmed).toBe(false);
    expect(s.post(1).standing).toBe('quarantined');
    expect(s.must(event).confirmed).toBe(true);
  });

  it('not for an attempt that ended without its whole log, until that arrives', () => {
    const s = planTask().run();
    const event = { kind: 'finish', record: exitRecord({ logs: [LOG] }), logsIn: [] } as const;
    s.must(event);
    s.sleep(10 * MINUTE);
    expect(s.task.status).toBe('success');
    expect(s.must(event).confirmed).toBe(false);
    expect(s.must({ ...event, logsIn: ['plan'] }).confirmed).toBe(true);
  });
});

describe('ended | anything that acts', () => {
  it('is refused with `fenced` and the present state', () => {
    const s = applyTask().applied();
    const acts = [
      { kind: 'accept', secretHash: 'x' },
      { kind: 'reject', reason: 'x' },
      { kind: 'renew', stage: null },
      { kind: 'stage', stage: 'applying' },
      { kind: 'return', reason: 'x' },
      { kind: 'plan_stored', checksum: 'x', madeFrom: null, hasChanges: true },
      { kind: 'permit_asked', nonce: 'x', planChecksum: 'x', agentRevoked: false },
      { kind: 'lock_arrived', nonce: 'x', lockId: 'x' },
    ] as const;
    for (const event of acts) {
      expect(s.send(event)).toMatchObject({
        refused: true,
        code: 'fenced',
        present: { status: 'applied', attempt: { state: 'ended', outcome: 'finished' } },
      });
    }
  });
});
