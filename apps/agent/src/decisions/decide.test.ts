import type { AttemptId, TaskId } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { brief, crewOf, heldAttempt, play } from './crew-for-tests.ts';
import { decideFolder, type FolderEvidence } from './decide-folder.ts';
import {
  decidePull,
  decideSignOn,
  decideTalk,
  decideWishes,
  FALL_BACK_AFTER_MS,
  renewTokenAfterMs,
  signOnPauseMs,
} from './decide-link.ts';

const nothing: FolderEvidence = { ours: true, attempt: undefined, worked: false, lockHeld: false, olderLives: false };
const attempt = heldAttempt(1);

describe('decideFolder', () => {
  it.each<[Partial<FolderEvidence>, string]>([
    [{ attempt, lockHeld: true }, 'attach'],
    [{ attempt, lockHeld: true, worked: true, olderLives: true }, 'attach'],
    [{ attempt }, 'start'],
    [{ attempt, worked: true, olderLives: true }, 'start'],
    [{ lockHeld: true }, 'dismiss'],
    [{}, 'remove'],
    [{ lockHeld: true, olderLives: true }, 'ignore'],
    [{ olderLives: true }, 'ignore'],
    [{ worked: true }, 'keep'],
    [{ worked: true, lockHeld: true }, 'keep'],
    [{ ours: false }, 'ignore'],
    [{ ours: false, worked: true }, 'ignore'],
  ])('%o → %s', (evidence, choice) => {
    expect(decideFolder({ ...nothing, ...evidence })).toBe(choice);
  });

  it.each<[Partial<FolderEvidence>, string[]]>([
    [{ attempt, lockHeld: true }, ['say x', 'attach x']],
    [{ attempt }, ['say x', 'start_runner x']],
    [{ lockHeld: true }, ['attach x']],
    [{}, ['remove_folder x']],
    [{ worked: true }, ['say x']],
    [{ ours: false }, []],
  ])('%o is dealt with by %j', (evidence, effects) => {
    const found = { kind: 'found', folder: 'x', evidence: { ...nothing, ...evidence } } as const;
    expect(brief(play(crewOf(), found).effects)).toEqual(effects);
  });

  it('leaves a second folder of the same attempt as it is', () => {
    const evidence = { ...nothing, attempt };
    const twice = play(
      crewOf(),
      { kind: 'found', folder: 'x', evidence },
      { kind: 'found', folder: 'copy-of-x', evidence },
    );
    expect(brief(twice.effects)).toEqual(['say copy-of-x']);
  });
});

describe('the link', () => {
  it.each([
    ['push', undefined, false],
    ['push', 0, false],
    ['pull', undefined, true],
    ['auto', undefined, false],
    ['auto', 100_000 - FALL_BACK_AFTER_MS, false],
    ['auto', 100_000 - FALL_BACK_AFTER_MS - 1, true],
  ] as const)('mode %s, down since %s → pull %s', (mode, downSince, pulls) => {
    expect(decidePull(mode, downSince, 100_000)).toBe(pulls);
  });

  it.each([
    [undefined, 0, 'wait'],
    [500, 0, 'wait'],
    [503, 2, 'wait'],
    [429, 0, 'wait'],
    [404, 0, 'wait'],
    [401, 0, 'exit'],
    [403, 0, 'exit'],
    [409, 0, 'exit'],
    [401, 1, 'drain'],
    [409, 3, 'drain'],
  ] as const)('signing on answered %s with %i attempts held → %s', (status, held, choice) => {
    expect(decideSignOn({ status }, held)).toBe(choice);
  });

  it.each([0, 3])('a pool that does not take the agent yet is waited for, with %i attempts held', (held) => {
    expect(decideSignOn({ status: 409, code: 'not_admitted' }, held)).toBe('wait_at_door');
    expect(decideSignOn({ status: 409, code: 'conflict' }, held)).not.toBe('wait_at_door');
  });

  it.each([
    [0, false, false],
    [1, true, false],
    [2, true, true],
    [3, true, true],
  ])('talks to a runner of version %i: understood %s, told of the server %s', (version, understood, hearsOfServer) => {
    expect(decideTalk(version)).toEqual({ understood, hearsOfServer });
  });

  it('asks again ever more slowly, and renews in good time', () => {
    expect([0, 1, 5, 40].map(signOnPauseMs)).toEqual([500, 1_000, 15_000, 15_000]);
    expect([900_000, 0, -3_600_000, Number.MAX_SAFE_INTEGER].map(renewTokenAfterMs)).toEqual([
      600_000, 1_000, 1_000, 86_400_000,
    ]);
  });

  it('passes on what is wanted of an attempt; fenced is the runner’s business', () => {
    const wish = { task_id: 'task-1' as TaskId, verdict: 'go_on' } as const;
    const attempts = [
      { ...wish, attempt_id: 'att-1' as AttemptId, cancel_level: 0 as const },
      { ...wish, attempt_id: 'att-2' as AttemptId, cancel_level: 2 as const },
      { ...wish, attempt_id: 'att-3' as AttemptId, cancel_level: 0 as const, verdict: 'fenced' as const },
    ];
    expect(decideWishes({ attempts, drain: false })).toEqual([{ kind: 'cancel', attemptId: 'att-2', level: 2 }]);
    expect(decideWishes({ attempts: [], drain: true })).toEqual([{ kind: 'drain', reason: 'the server asked for it' }]);
  });
});
