import type { TaskId } from '@groundcrew/protocol';
import { describe, expect, it } from 'vitest';
import { findFolder, listHeld } from './crew.ts';
import { attemptId, brief, crewOf, endedOf, heldAttempt, offerOf, play, running } from './crew-for-tests.ts';
import { FILL_AFTER_TAKING_MS } from './on-spares.ts';
import { countFreeSlots } from './slots.ts';

const two = [...running(1, 'f1'), ...running(2, 'f2', 'plan_apply')];

describe('offers', () => {
  it('are taken while there is a slot: folder, accept, task, runner', () => {
    const crew = crewOf();
    const offered = play(crew, { kind: 'offer', order: offerOf(1) });
    expect(brief(offered.effects)).toEqual(['make_folder f1']);
    const made = play(offered.crew, { kind: 'folder_made', folder: 'f1' });
    expect(brief(made.effects)).toEqual(['start_runner f1', 'accept f1']);
    const accepted = play(made.crew, { kind: 'accept_answered', folder: 'f1', refusal: undefined });
    expect(brief(accepted.effects)).toEqual(['write_task f1', 'fill_later']);
    const up = play(accepted.crew, { kind: 'runner_up', folder: 'f1' });
    expect(brief(play(up.crew, { kind: 'task_written', folder: 'f1' }).effects)).toEqual(['assign f1']);
  });

  it('go to a spare when one waits, at once', () => {
    const filled = play(
      crewOf({ sparesWanted: 1 }),
      { kind: 'fill_spares' },
      { kind: 'folder_made', folder: 'f1' },
      { kind: 'runner_up', folder: 'f1' },
    );
    const offered = play(filled.crew, { kind: 'offer', order: offerOf(1) });
    expect(brief(offered.effects)).toEqual(['accept f1']);
    const accepted = play(offered.crew, { kind: 'accept_answered', folder: 'f1', refusal: undefined });
    expect(accepted.effects.at(-1)).toEqual({ do: 'fill_later', afterMs: FILL_AFTER_TAKING_MS });
    expect(brief(play(accepted.crew, { kind: 'fill_spares' }).effects)).toEqual(['make_folder f2']);
  });

  it.each([
    ['no slot is free', two, 'all 2 slots of the agent are taken'],
    ['it drains', [{ kind: 'drain', reason: 'r' } as const], 'the agent is draining and takes nothing new'],
    ['it leaves', [{ kind: 'leave' } as const], 'the agent is draining and takes nothing new'],
  ])('are refused when %s', (_, before, reason) => {
    const { effects } = play(crewOf(), ...before, { kind: 'offer', order: offerOf(9) });
    expect(effects.filter((effect) => effect.do === 'reject')).toEqual([{ do: 'reject', order: offerOf(9), reason }]);
    expect(effects.filter((effect) => effect.do === 'make_folder')).toEqual([]);
  });

  it('that come twice are one', () => {
    const { crew } = play(crewOf(), { kind: 'offer', order: offerOf(1) });
    expect(play(crew, { kind: 'offer', order: offerOf(1) })).toEqual({ crew, effects: [] });
  });

  it('go back when there is no folder, and when the server does not take the accept', () => {
    const failed = play(crewOf(), { kind: 'offer', order: offerOf(1) }, { kind: 'folder_failed', folder: 'f1' });
    expect(brief(failed.effects)).toEqual(['reject', 'say f1', 'remove_folder f1']);
    expect(listHeld(failed.crew)).toEqual([]);
    const refused = play(
      crewOf(),
      { kind: 'offer', order: offerOf(1) },
      { kind: 'folder_made', folder: 'f1' },
      { kind: 'runner_up', folder: 'f1' },
      { kind: 'accept_answered', folder: 'f1', refusal: 'too late' },
    );
    expect(brief(refused.effects)).toEqual(['say f1', 'send leave f1']);
    expect(countFreeSlots(refused.crew)).toBe(2);
    const gone = play(refused.crew, { kind: 'runner_gone', folder: 'f1', ended: undefined });
    expect(brief(gone.effects)).toEqual(['remove_folder f1']);
  });

  it('whose task cannot be written are left to the server’s patience', () => {
    const { crew, effects } = play(crewOf(), ...running(1, 'f1').slice(0, 3), { kind: 'task_failed', folder: 'f1' });
    expect(listHeld(crew)).toEqual([]);
    expect(brief(effects)).toEqual(['say f1']);
  });
});

describe('runners', () => {
  it('that go without a last word get a successor, ever more slowly', () => {
    let { crew } = play(crewOf(), ...running(1, 'f1'));
    const pauses: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      const gone = play(crew, { kind: 'runner_gone', folder: 'f1', ended: undefined });
      for (const effect of gone.effects) if (effect.do === 'look') pauses.push(effect.afterMs);
      crew = play(gone.crew, { kind: 'looked', folder: 'f1', lockHeld: false }).crew;
    }
    expect(pauses).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
    expect(listHeld(crew)).toEqual([heldAttempt(1)]);
  });

  it.each([
    [true, 'attach f1'],
    [false, 'start_runner f1'],
  ])('are looked for first: lock held %s → %s', (lockHeld, then) => {
    const { crew } = play(crewOf(), ...running(1, 'f1'), { kind: 'runner_gone', folder: 'f1', ended: undefined });
    expect(brief(play(crew, { kind: 'looked', folder: 'f1', lockHeld }).effects)).toEqual([then]);
  });

  it('that say that everything is confirmed free folder and slot', () => {
    const { crew, effects } = play(crewOf({ sparesWanted: 1 }), ...running(1, 'f1'), {
      kind: 'runner_gone',
      folder: 'f1',
      ended: endedOf(1),
    });
    expect(brief(effects)).toEqual(['remove_folder f1', 'tell_end', 'make_folder f2']);
    expect(countFreeSlots(crew)).toBe(2);
  });

  it('that nobody can speak for free their slot; the folder stays, and it is said', () => {
    const mute = { kind: 'runner_mute', folder: 'f1', reason: 'its secret is lost' } as const;
    const { crew, effects } = play(crewOf({ sparesWanted: 1 }), ...running(1, 'f1'), mute);
    expect(brief(effects)).toEqual(['say f1', 'make_folder f2']);
    expect(effects[0]).toMatchObject({ level: 'error', sentence: 'its secret is lost', attempt: heldAttempt(1) });
    expect(countFreeSlots(crew)).toBe(2);
    const gone = play(crew, { kind: 'runner_gone', folder: 'f1', ended: undefined });
    expect(gone.effects).toEqual([]);
    expect(play(crew, { kind: 'runner_mute', folder: 'nowhere', reason: '' }).effects).toEqual([]);
  });

  it('that die before the accept is answered get a successor once the task is there', () => {
    const steps = running(1, 'f1').slice(0, 2);
    const early = play(crewOf(), ...steps, { kind: 'runner_gone', folder: 'f1', ended: undefined });
    expect(early.effects).toEqual([]);
    const accepted = play(early.crew, { kind: 'accept_answered', folder: 'f1', refusal: undefined });
    expect(brief(play(accepted.crew, { kind: 'task_written', folder: 'f1' }).effects)).toEqual(['look f1']);
  });

  it('are told what they missed: cancel and watchers', () => {
    const { effects } = play(
      crewOf(),
      ...running(1, 'f1').slice(0, 4),
      { kind: 'cancel', attemptId: attemptId(1), level: 2 },
      { kind: 'watched', taskId: 'task-1' as TaskId, watched: true, intervalMs: 100 },
      { kind: 'runner_up', folder: 'f1' },
    );
    expect(effects).toEqual([
      { do: 'send', folder: 'f1', message: { type: 'cancel', level: 2 } },
      { do: 'send', folder: 'f1', message: { type: 'watched', watched: true, log_interval_ms: 100 } },
    ]);
  });
});

describe('spares', () => {
  it.each([
    [0, 3, 0],
    [1, 3, 1],
    [5, 3, 3],
  ])('%i wanted with %i slots are %i', (sparesWanted, maxConcurrent, made) => {
    expect(play(crewOf({ sparesWanted, maxConcurrent }), { kind: 'fill_spares' }).effects).toHaveLength(made);
  });

  it('are not more than free slots', () => {
    expect(play(crewOf({ sparesWanted: 2 }), ...running(1, 'f1'), { kind: 'fill_spares' }).effects).toHaveLength(1);
    expect(play(crewOf({ sparesWanted: 2 }), ...two, { kind: 'fill_spares' }).effects).toEqual([]);
  });

  it('that die by themselves are replaced, ever more slowly', () => {
    const filled = play(crewOf({ sparesWanted: 1 }), { kind: 'fill_spares' }, { kind: 'folder_made', folder: 'f1' });
    const first = play(filled.crew, { kind: 'runner_gone', folder: 'f1', ended: undefined });
    expect(first.effects).toEqual([
      { do: 'remove_folder', folder: 'f1' },
      { do: 'fill_later', afterMs: 1_000 },
    ]);
    const second = play(first.crew, { kind: 'fill_spares' }, { kind: 'runner_gone', folder: 'f2', ended: undefined });
    expect(second.effects.at(-1)).toEqual({ do: 'fill_later', afterMs: 2_000 });
  });
});

describe('limits that change', () => {
  const limits = (maxConcurrent: number, sparesWanted = 0) =>
    ({ kind: 'limits', maxConcurrent, sparesWanted }) as const;

  it('upwards count at once, for offers and for spares', () => {
    const grown = play(crewOf(), ...two, limits(4, 1));
    expect(countFreeSlots(grown.crew)).toBe(2);
    expect(brief(grown.effects)).toEqual(['make_folder f3']);
  });

  it('downwards stop nothing that runs, and nothing new is taken until there is room', () => {
    const shrunk = play(crewOf(), ...two, limits(1));
    expect(shrunk.effects).toEqual([]);
    expect(listHeld(shrunk.crew)).toHaveLength(2);
    const [refused] = play(shrunk.crew, { kind: 'offer', order: offerOf(3) }).effects;
    expect(refused).toMatchObject({ do: 'reject', reason: 'all 1 slots of the agent are taken' });
  });

  it('bring no spare to an agent that drains', () => {
    expect(play(crewOf(), ...two, { kind: 'drain', reason: 'r' }, limits(9, 3)).effects).toEqual([]);
  });
});

describe('cancel', () => {
  it('only rises, and is passed on once', () => {
    const { crew } = play(crewOf(), ...running(1, 'f1'));
    const first = play(crew, { kind: 'cancel', attemptId: attemptId(1), level: 2 });
    expect(first.effects).toEqual([{ do: 'send', folder: 'f1', message: { type: 'cancel', level: 2 } }]);
    for (const level of [1, 2] as const)
      expect(play(first.crew, { kind: 'cancel', attemptId: attemptId(1), level }).effects).toEqual([]);
  });

  it('of an attempt that is not here does nothing', () => {
    expect(play(crewOf(), { kind: 'cancel', attemptId: attemptId(7), level: 3 }).effects).toEqual([]);
  });
});

describe('leaving', () => {
  it('drains: spares go, attempts stay, and it is idle with the last of them', () => {
    const { crew } = play(
      crewOf({ sparesWanted: 1 }),
      ...running(1, 'f1'),
      { kind: 'fill_spares' },
      { kind: 'folder_made', folder: 'f2' },
      { kind: 'runner_up', folder: 'f2' },
    );
    const drained = play(crew, { kind: 'drain', reason: 'SIGTERM' });
    expect(brief(drained.effects)).toEqual(['say', 'send leave f2']);
    expect(play(drained.crew, { kind: 'drain', reason: 'again' }).effects).toEqual([]);
    const ended = play(drained.crew, { kind: 'runner_gone', folder: 'f1', ended: endedOf(1) });
    expect(brief(ended.effects)).toEqual(['remove_folder f1', 'tell_end', 'idle']);
  });

  it('is idle at once when nothing is held', () => {
    expect(brief(play(crewOf(), { kind: 'drain', reason: 'r' }).effects)).toEqual(['say', 'idle']);
  });

  it('cancels plans at a second SIGTERM, applies never', () => {
    const { effects } = play(crewOf(), ...two, { kind: 'drain', reason: 'SIGTERM' }, { kind: 'cancel_plans' });
    expect(effects).toEqual([{ do: 'send', folder: 'f1', message: { type: 'cancel', level: 1 } }]);
  });

  it('gives up links and nothing else', () => {
    const left = play(crewOf(), ...two, { kind: 'leave' });
    expect(brief(left.effects)).toEqual(['detach f1', 'detach f2']);
    const gone = play(left.crew, { kind: 'runner_gone', folder: 'f1', ended: undefined });
    expect(gone.effects).toEqual([]);
    expect(findFolder(gone.crew, 'f1')).toBeDefined();
  });
});
