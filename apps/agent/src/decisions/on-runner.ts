import { type Crew, type CrewFolder, type CrewStep, changeFolder, dropFolder, findFolder } from './crew.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEventOf } from './events.ts';
import { fillSpares, refillAfterMs } from './on-spares.ts';

/** Restarting a runner that dies again and again slows down to this. */
const RESTART = { baseMs: 200, capMs: 30_000 };

const restartAfterMs = (losses: number): number =>
  Math.min(RESTART.capMs, RESTART.baseMs * 2 ** Math.min(losses - 1, 16));

export function onRunnerUp(crew: Crew, { folder: name }: CrewEventOf<'runner_up'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder === undefined) return { crew, effects: [] };
  const up = changeFolder(crew, name, { runner: 'attached' });
  if (folder.use === 'attempt') return { crew: up, effects: greet(crew, folder) };
  const isWanted = folder.use === 'taking' || (folder.use === 'spare' && crew.mode === 'serving');
  return { crew: up, effects: isWanted ? [] : [{ do: 'send', folder: name, message: { type: 'leave' } }] };
}

/** What a runner that comes up later, or again, has missed. */
export function greet(crew: Crew, { name, attempt, cancelLevel }: CrewFolder): CrewEffect[] {
  const effects: CrewEffect[] = [];
  if (cancelLevel > 0) effects.push({ do: 'send', folder: name, message: { type: 'cancel', level: cancelLevel } });
  if (attempt !== undefined && crew.watched.has(attempt.taskId)) {
    const intervalMs = crew.watched.get(attempt.taskId);
    const interval = intervalMs === undefined ? {} : { log_interval_ms: intervalMs };
    effects.push({ do: 'send', folder: name, message: { type: 'watched', watched: true, ...interval } });
  }
  return effects;
}

/**
 * A runner that went without a last word is followed by another on the same folder, for as long as there is something to deliver,
 * whatever it died of. Nothing is done when the whole agent goes: the next one finds the folder.
 */
export function onRunnerGone(crew: Crew, event: CrewEventOf<'runner_gone'>): CrewStep {
  const folder = findFolder(crew, event.folder);
  if (folder === undefined) return { crew, effects: [] };
  switch (folder.use) {
    case 'attempt':
      return event.ended === undefined ? loseRunner(crew, folder) : endAttempt(crew, folder, event.ended);
    case 'taking':
      return { crew: changeFolder(crew, folder.name, { runner: 'none' }), effects: [] };
    case 'spare':
      return loseSpare(crew, folder);
    case 'leaving':
      return { crew: dropFolder(crew, folder.name), effects: [{ do: 'remove_folder', folder: folder.name }] };
  }
}

function endAttempt(
  crew: Crew,
  { name, attempt }: CrewFolder,
  ended: NonNullable<CrewEventOf<'runner_gone'>['ended']>,
) {
  const effects: CrewEffect[] = [{ do: 'remove_folder', folder: name }];
  if (attempt !== undefined) effects.push({ do: 'tell_end', attempt, ended });
  const filled = fillSpares(dropFolder(crew, name));
  return { crew: filled.crew, effects: [...effects, ...filled.effects] };
}

/** What stands in the folder is a person's to look into; the slot is free. The next agent asks the folder's runner again. */
export function onRunnerMute(crew: Crew, { folder: name, reason }: CrewEventOf<'runner_mute'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder === undefined) return { crew, effects: [] };
  const { attempt } = folder;
  const filled = fillSpares(dropFolder(crew, name));
  const said = { do: 'say', level: 'error', sentence: reason, folder: name, ...(attempt ? { attempt } : {}) } as const;
  return { crew: filled.crew, effects: [said, ...filled.effects] };
}

function loseRunner(crew: Crew, { name, attempt, order, losses }: CrewFolder): CrewStep {
  const lost = changeFolder(crew, name, { runner: 'none', losses: losses + 1 });
  // Its task is not in the folder yet; once it is, somebody is looked for.
  if (crew.mode === 'leaving' || order !== undefined) return { crew: lost, effects: [] };
  const sentence = 'the runner is gone without having delivered everything; another takes over its folder';
  return {
    crew: changeFolder(lost, name, { runner: 'coming' }),
    effects: [
      { do: 'say', level: 'warn', sentence, folder: name, ...(attempt ? { attempt } : {}) },
      { do: 'look', folder: name, afterMs: restartAfterMs(losses + 1) },
    ],
  };
}

function loseSpare(crew: Crew, { name }: CrewFolder): CrewStep {
  const losses = crew.spareLosses + 1;
  const effects: CrewEffect[] = [{ do: 'remove_folder', folder: name }];
  if (crew.mode === 'serving') effects.push({ do: 'fill_later', afterMs: refillAfterMs(losses) });
  return { crew: { ...dropFolder(crew, name), spareLosses: losses }, effects };
}

/** Somebody else may have started a runner there meanwhile: an older instance of this agent, or a newer one. */
export function onLooked(crew: Crew, { folder: name, lockHeld }: CrewEventOf<'looked'>): CrewStep {
  const folder = findFolder(crew, name);
  if (folder === undefined || crew.mode === 'leaving') return { crew, effects: [] };
  return { crew, effects: [{ do: lockHeld ? 'attach' : 'start_runner', folder: name }] };
}
