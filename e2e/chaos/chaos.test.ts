import type { AttemptId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countDiffering } from './check-logs.ts';
import { countInFlight, findViolations } from './checker.ts';
import { RESOURCES } from './configuration.ts';
import { createDice } from './dice.ts';
import { expectedLog } from './expected-log.ts';
import { findIdleKinds } from './fault-loop.ts';
import { FAULT_KINDS, FAULT_NAMES, type Fault, planFaults } from './faults.ts';
import { parseLedger } from './ledger.ts';
import type { LogSeen, Observation, TaskSeen } from './observation.ts';

function take(count: number, plan: Generator<Fault, never>): Fault[] {
  return Array.from({ length: count }, () => plan.next().value);
}

describe('plan of faults', () => {
  const options = { seed: 7, gapMs: 4_000, hosts: 3 };
  const bagSize = Object.values(FAULT_KINDS).reduce((sum, { weight }) => sum + weight, 0);

  test('depends on its options alone', () => {
    expect(take(200, planFaults(options))).toEqual(take(200, planFaults(options)));
    expect(take(200, planFaults({ ...options, seed: 8 }))).not.toEqual(take(200, planFaults(options)));
  });

  test('meets every kind as often as its weight, within one bag', () => {
    const kinds = take(bagSize, planFaults(options)).map(({ kind }) => kind);
    for (const kind of FAULT_NAMES)
      expect(kinds.filter((found) => found === kind)).toHaveLength(FAULT_KINDS[kind].weight);
  });

  test('keeps its pace, its hosts and its durations, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const faults = take(100, planFaults({ ...options, seed }));
        expect(faults.at(-1)?.atMs).toBeGreaterThan(100 * options.gapMs * 0.8);
        expect(faults.at(-1)?.atMs).toBeLessThan(100 * options.gapMs * 1.2);
        for (const { kind, host, pick, lastsMs } of faults) {
          const [shortest, longest] = FAULT_KINDS[kind].lastsMs;
          expect(lastsMs).toBeGreaterThanOrEqual(shortest);
          expect(lastsMs).toBeLessThanOrEqual(longest);
          expect([0, 1, 2]).toContain(host);
          expect(pick).toBeGreaterThanOrEqual(0);
          expect(pick).toBeLessThan(1);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('does nothing that the machine does not allow', () => {
    const kinds = FAULT_NAMES.filter((kind) => kind !== 'full-disk');
    expect(take(bagSize * 3, planFaults({ ...options, kinds })).map(({ kind }) => kind)).not.toContain('full-disk');
  });

  test('a kind that never meets anybody is a violation', () => {
    const missed = new Map([
      ['kill-launcher', 3],
      ['cut', 2],
      ['stall', 9],
    ] as const);
    expect(findIdleKinds({ injected: new Map([['stall', 1]]), missed })).toMatchObject([
      { kind: 'broke_down', sentence: expect.stringContaining('kill-launcher') },
    ]);
  });

  test('is rolled with even dice', () => {
    const dice = createDice(1);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let roll = 0; roll < 6_000; roll += 1) counts[dice.between(1, 6) - 1]! += 1;
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

const RAW = RESOURCES.map((name) => `terraform_data.${name}: Creation complete after 1s [id=1]`).join('\n');
const state = (label: string) => Object.fromEntries(RESOURCES.map((name) => [name, label]));
const log = (text: string, expected = text): LogSeen => ({
  attemptId: 'att-1' as AttemptId,
  phase: 'apply',
  expected: Buffer.from(expected),
  stored: Buffer.from(text),
});
const WORKSPACE = 'ws-1' as WorkspaceId;
const task = (label: string, more: Partial<TaskSeen> = {}): TaskSeen => ({
  id: `task-${label}` as TaskId,
  label,
  workspaceId: WORKSPACE,
  status: 'applied',
  words: '',
  mayHaveApplied: true,
  mayLackOutput: false,
  lastState: state(label),
  logs: [log(RAW)],
  ...more,
});

/** Two applies in one workspace, after which everything is as it should be. */
function wellDone(more: Partial<Observation> = {}, last: Partial<TaskSeen> = {}): Observation {
  const tasks = [task('a'), task('b', last)];
  return {
    resources: RESOURCES,
    ledger: tasks.flatMap(({ label }) => RESOURCES.map((resource) => ({ label, resource }))),
    tasks,
    workspaces: [{ id: WORKSPACE, hold: null, lockedBy: null, currentState: state('b') }],
    secret: 'hush-hush',
    ...more,
  };
}

const kindsOf = (seen: Observation): string[] => findViolations(seen).map(({ kind }) => kind);

describe('checker', () => {
  test('finds nothing where everything is as it should be', () => {
    expect(findViolations(wellDone())).toEqual([]);
  });

  test('an apply that was done twice', () => {
    const { ledger } = wellDone();
    expect(findViolations(wellDone({ ledger: [...ledger, { label: 'b', resource: 'one' }] }))).toEqual([
      { kind: 'doubled_apply', sentence: 'b one was applied 2 times.' },
    ]);
  });

  test('a log byte that is missing, changed or too many', () => {
    for (const text of [RAW.slice(0, -1), RAW.replace('1s', '2s'), `${RAW}\n`]) {
      const seen = wellDone({}, { logs: [log(text, RAW)] });
      expect(kindsOf(seen)).toContain('log_differs');
      expect(countDiffering(seen.tasks[1]!.logs[0]!)).toBe(1);
    }
  });

  test('a log that never came', () => {
    expect(kindsOf(wellDone({}, { logs: [log(RAW), log('', 'Initializing the backend...')] }))).toEqual([
      'log_differs',
    ]);
  });

  test('a secret in a log', () => {
    expect(kindsOf(wellDone({}, { logs: [log(`${RAW}\nhush-hush`)] }))).toEqual(['secret_shown']);
  });

  test('a state that was lost', () => {
    expect(kindsOf(wellDone({}, { lastState: undefined }))).toContain('state_lost');
    for (const currentState of [undefined, state('a'), { ...state('b'), two: 'a' }]) {
      const workspaces = [{ id: WORKSPACE, hold: null, lockedBy: null, currentState }];
      expect(kindsOf(wellDone({ workspaces }))).toContain('state_lost');
    }
  });

  test('a hold whose task asks nobody, and a lock that stayed', () => {
    const held = { id: WORKSPACE, hold: 'task-b' as TaskId, lockedBy: null, currentState: state('b') };
    expect(kindsOf(wellDone({ workspaces: [held] }))).toEqual(['lock_left']);
    expect(kindsOf(wellDone({ workspaces: [held] }, { status: 'needs_attention' }))).toEqual([]);
    expect(kindsOf(wellDone({ workspaces: [{ ...held, hold: null, lockedBy: 'somebody' }] }))).toEqual(['lock_left']);
  });

  test('a task without a verdict', () => {
    for (const status of ['running', 'pending', 'awaiting_approval'] as const)
      expect(kindsOf(wellDone({}, { status }))).toEqual(['no_verdict']);
  });

  test('a success that was none', () => {
    const { ledger } = wellDone();
    expect(kindsOf(wellDone({ ledger: ledger.slice(0, -1) }))).toContain('ledger_differs');
  });

  test('a success of which the log says nothing, unless there was no room for it to be written', () => {
    const silent = { logs: [log('Apply complete!')] };
    expect(kindsOf(wellDone({}, silent))).toEqual(RESOURCES.map(() => 'ledger_differs'));
    expect(kindsOf(wellDone({}, { ...silent, mayLackOutput: true }))).toEqual([]);
  });

  test('something applied by a task that must not apply', () => {
    const plan = { status: 'success', mayHaveApplied: false, lastState: undefined, logs: [] } as const;
    const workspaces = [{ id: WORKSPACE, hold: null, lockedBy: null, currentState: state('a') }];
    expect(kindsOf(wellDone({ workspaces }, plan))).toEqual(['ledger_differs', 'ledger_differs', 'ledger_differs']);
  });

  describe('an apply that was killed', () => {
    const workspaces = [{ id: WORKSPACE, hold: null, lockedBy: null, currentState: state('a') }];
    const killed = { status: 'failed', lastState: undefined } as const;

    test('and whose resources no verdict names', () => {
      expect(kindsOf(wellDone({ workspaces }, killed))).toEqual(RESOURCES.map(() => 'ledger_differs'));
    });

    test('and whose resources a verdict names', () => {
      const words = RESOURCES.map((name) => `terraform_data.${name}`).join(', ');
      expect(findViolations(wellDone({ workspaces }, { ...killed, words }))).toEqual([]);
    });

    test('at the very moment in which it applied something', () => {
      const seen = wellDone({ workspaces }, { ...killed, logs: [log('terraform_data.one: Creating...')] });
      expect(findViolations(seen)).toEqual([]);
      expect(countInFlight(seen)).toBe(RESOURCES.length);
    });
  });
});

describe('what is compared', () => {
  test('a ledger is read line by line', () => {
    expect(parseLedger('w1-1 one\nw1-1 two\n')).toEqual([
      { label: 'w1-1', resource: 'one' },
      { label: 'w1-1', resource: 'two' },
    ]);
    expect(() => parseLedger('w1-1 onew1-1 two\n')).toThrow('nobody writes');
  });

  test('the log that should be there has no secrets', () => {
    const secret = { name: 'CHAOS_TOKEN', value: 'tok-0123456789abcdef' };
    const raw = Buffer.from(`w1 one line 1 ${secret.value}\nw1 one line 2 ${secret.value}\n`);
    expect(expectedLog(raw, secret).toString()).toBe('w1 one line 1 [MASKED]\nw1 one line 2 [MASKED]\n');
  });
});
