import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Crew, listHeld } from './crew.ts';
import { attemptId, crewOf, endedOf, heldAttempt, offerOf } from './crew-for-tests.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEvent } from './events.ts';
import { stepCrew } from './step.ts';

type InFolder = Extract<CrewEffect, { folder: string }>;
/** A folder on the disk: the attempt whose task it holds, and whether a runner lives in it. */
interface Place {
  attempt: number | undefined;
  runner: boolean;
}

/**
 * The world of one agent: folders on a disk, runners in them, and a server that took what was accepted. It carries effects out late,
 * in any order, with failures, and its agent dies now and then. What must hold, holds whatever the dice say.
 */
function createWorld(dice: () => number) {
  const disk = new Map<string, Place>();
  const delivered = new Set<number>();
  let pending: CrewEffect[] = [];
  let starts = 0;
  let crew: Crew = crewOf({ maxConcurrent: 3, sparesWanted: 1, prefix: 'a' });
  const chance = (percent: number) => dice() % 100 < percent;

  function tell(event: CrewEvent): void {
    const before = crew;
    const { crew: after, effects } = stepCrew(before, event);
    crew = after;
    check(before, event, effects);
    pending.push(...effects);
  }

  function check(before: Crew, event: CrewEvent, effects: readonly CrewEffect[]): void {
    const ids = listHeld(crew).map((held) => held.attemptId);
    expect(new Set(ids).size).toBe(ids.length);
    if (effects.some((effect) => effect.do === 'idle')) expect(ids).toEqual([]);
    if (before.mode !== 'serving') expect(crew.mode).not.toBe('serving');
    if (event.kind === 'offer') checkOffer(before, effects);
  }

  function checkOffer(before: Crew, effects: readonly CrewEffect[]): void {
    expect(listHeld(crew).length).toBeLessThanOrEqual(Math.max(before.maxConcurrent, listHeld(before).length));
    if (before.mode === 'serving') return;
    for (const effect of effects) expect(['reject', 'idle']).toContain(effect.do);
  }

  function runIn(folder: string, found: Place | undefined, fails: boolean): void {
    const lives = found !== undefined && !fails;
    if (lives) found.runner = true;
    tell(lives ? { kind: 'runner_up', folder } : { kind: 'runner_gone', folder, ended: undefined });
  }

  /** What an effect does to the world, and the event that tells of it; what fails is told as documented. */
  const carried: {
    [D in InFolder['do']]?: (effect: Extract<InFolder, { do: D }>, found: Place | undefined, fails: boolean) => void;
  } = {
    make_folder({ folder }, _, fails) {
      if (!fails) disk.set(folder, { attempt: undefined, runner: false });
      tell({ kind: fails ? 'folder_failed' : 'folder_made', folder });
    },
    start_runner: ({ folder }, found, fails) => runIn(folder, found, fails),
    attach: ({ folder }, found, fails) => runIn(folder, found, fails),
    look: ({ folder }, found) => tell({ kind: 'looked', folder, lockHeld: found?.runner ?? false }),
    accept: ({ folder }, _, fails) =>
      tell({ kind: 'accept_answered', folder, refusal: fails ? 'too late' : undefined }),
    write_task({ folder, order }, found) {
      if (found !== undefined) found.attempt = order.attempt.epoch;
      tell({ kind: 'task_written', folder });
    },
    send({ folder, message }, found) {
      if (message.type !== 'leave' || found === undefined) return;
      expect(found.attempt).toBeUndefined();
      found.runner = false;
      tell({ kind: 'runner_gone', folder, ended: undefined });
    },
    remove_folder({ folder }, found) {
      // Nothing is ever removed before the server has everything of it.
      if (found?.attempt !== undefined) expect(delivered).toContain(found.attempt);
      disk.delete(folder);
    },
  };

  function carryOut(effect: CrewEffect, smooth: boolean): void {
    if (effect.do === 'fill_later') tell({ kind: 'fill_spares' });
    if (!('folder' in effect) || effect.folder === undefined) return;
    const carry = carried[effect.do as InFolder['do']] as ((...given: unknown[]) => void) | undefined;
    carry?.(effect, disk.get(effect.folder), !smooth && chance(10));
  }

  /** A runner comes to its end, or dies. */
  function endRunner(smooth: boolean): void {
    const living = [...disk].filter(([, { runner, attempt }]) => runner && attempt !== undefined);
    const [folder, state] = living[dice() % Math.max(1, living.length)] ?? [];
    if (folder === undefined || state?.attempt === undefined) return;
    state.runner = false;
    const n = state.attempt;
    if (smooth || chance(60)) delivered.add(n);
    const isAttached = crew.folders.some(({ name, runner }) => name === folder && runner === 'attached');
    if (isAttached) tell({ kind: 'runner_gone', folder, ended: delivered.has(n) ? endedOf(n) : undefined });
  }

  /** kill -9: the crew is forgotten, folders and runners stay. A folder without a task is a spare's, or one whose accept had no answer. */
  function crash(): void {
    starts += 1;
    pending = [];
    crew = crewOf({ maxConcurrent: 3, sparesWanted: 1, prefix: `${starts}-` });
    for (const [folder, { attempt: n, runner }] of disk) {
      const attempt = n === undefined ? undefined : heldAttempt(n);
      tell({
        kind: 'found',
        folder,
        evidence: { ours: true, attempt, worked: n !== undefined, lockHeld: runner, olderLives: false },
      });
    }
  }

  const acts: [weight: number, act: (n: number) => void][] = [
    [6, (n) => tell({ kind: 'offer', order: offerOf(n, chance(50) ? 'plan' : 'plan_apply') })],
    [1, (n) => tell({ kind: 'offer', order: offerOf(Math.max(1, n - 1)) })],
    [1, (n) => tell({ kind: 'cancel', attemptId: attemptId(n - 1), level: 1 })],
    [1, (n) => tell({ kind: 'limits', maxConcurrent: 1 + (n % 4), sparesWanted: n % 3 })],
    [1, crash],
    [1, () => chance(20) && tell({ kind: 'drain', reason: 'r' })],
    [1, () => tell({ kind: 'runner_gone', folder: 'nowhere', ended: undefined })],
    [2, () => endRunner(false)],
    [7, () => settleOne(false)],
  ];
  const bag = acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act));

  function settleOne(smooth: boolean): void {
    const [effect] = pending.splice(smooth ? 0 : dice() % Math.max(1, pending.length), 1);
    if (effect !== undefined) carryOut(effect, smooth);
  }

  return {
    act: (n: number) => bag[dice() % bag.length]?.(n),
    /** From here on nothing fails: whatever is held must come to its end. */
    comeToRest(): void {
      tell({ kind: 'drain', reason: 'the end' });
      for (let guard = 0; guard < 5_000 && (pending.length > 0 || listHeld(crew).length > 0); guard += 1) {
        if (pending.length > 0) settleOne(true);
        else endRunner(true);
      }
      expect(listHeld(crew)).toEqual([]);
      for (const { attempt } of disk.values()) expect(attempt).toBeUndefined();
    },
  };
}

it('keeps what it took until all of it is delivered, whatever dies and in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1_000_000 }), { minLength: 40, maxLength: 400 }), (rolls) => {
      let at = 0;
      const dice = () => rolls[at++ % rolls.length] ?? 0;
      const world = createWorld(dice);
      for (let n = 1; at < rolls.length; n += 1) world.act(n);
      world.comeToRest();
    }),
    { numRuns: 300 },
  );
});
