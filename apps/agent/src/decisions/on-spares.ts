import { addFolder, type Crew, type CrewStep } from './crew.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEventOf } from './events.ts';
import { countFreeSlots } from './slots.ts';

/**
 * A spare that warms up takes a processor for most of a second, from a Terraform that was just started here. So the next one comes
 * when an attempt has ended, or after this long; an offer that comes before starts a runner of its own.
 */
export const FILL_AFTER_TAKING_MS = 5_000;
/** A runner that cannot live is tried again ever more rarely. */
const REFILL = { baseMs: 1_000, capMs: 60_000 };

/** How many spares are missing: never more than there is room for what they wait for. */
function countMissingSpares(crew: Crew): number {
  const there = crew.folders.filter(({ use }) => use === 'spare').length;
  return Math.max(0, Math.min(crew.sparesWanted, countFreeSlots(crew)) - there);
}

/** Starts the spares that are missing. */
export function fillSpares(crew: Crew): CrewStep {
  const effects: CrewEffect[] = [];
  let filled = crew;
  for (let missing = countMissingSpares(crew); missing > 0; missing -= 1) {
    const { name, crew: next } = addNew(filled);
    filled = next;
    effects.push({ do: 'make_folder', folder: name });
  }
  return { crew: filled, effects };
}

/**
 * More slots and spares count at once. Fewer slots stop nothing that runs: they count from the next offer on. Spares that are too
 * many wait for the next offers.
 */
export function onLimits(crew: Crew, { maxConcurrent, sparesWanted }: CrewEventOf<'limits'>): CrewStep {
  const changed = { ...crew, maxConcurrent, sparesWanted };
  return crew.mode === 'serving' ? fillSpares(changed) : { crew: changed, effects: [] };
}

/** A new folder for a runner that will be asked for nothing yet. */
export function addNew(crew: Crew): { name: string; crew: Crew } {
  const name = `${crew.prefix}${crew.nextFolder.toString(36)}`;
  return { name, crew: addFolder({ ...crew, nextFolder: crew.nextFolder + 1 }, { name, runner: 'coming' }) };
}

/** When to try again after a spare's runner went by itself. */
export const refillAfterMs = (losses: number): number =>
  Math.min(REFILL.capMs, REFILL.baseMs * 2 ** Math.min(losses - 1, 16));
