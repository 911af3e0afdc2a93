import { type Crew, type CrewStep, changeFolder, findByAttempt } from './crew.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEventOf } from './events.ts';

/** A level only rises; hearing it twice, late or for an attempt that is gone does no harm. */
export function onCancel(crew: Crew, { attemptId, level }: CrewEventOf<'cancel'>): CrewStep {
  const folder = findByAttempt(crew, attemptId);
  if (folder === undefined || level <= folder.cancelLevel) return { crew, effects: [] };
  const raised = changeFolder(crew, folder.name, { cancelLevel: level });
  // A runner that has no task yet hears it with that.
  const hears = folder.use === 'attempt' && folder.order === undefined && folder.runner === 'attached';
  return {
    crew: raised,
    effects: hears ? [{ do: 'send', folder: folder.name, message: { type: 'cancel', level } }] : [],
  };
}

export function onWatched(crew: Crew, { taskId, watched, intervalMs }: CrewEventOf<'watched'>): CrewStep {
  const tasks = new Map(crew.watched);
  if (watched) tasks.set(taskId, intervalMs);
  else tasks.delete(taskId);
  const interval = watched && intervalMs !== undefined ? { log_interval_ms: intervalMs } : {};
  const effects = crew.folders
    .filter(({ use, attempt, runner }) => use === 'attempt' && attempt?.taskId === taskId && runner === 'attached')
    .map(({ name }): CrewEffect => ({ do: 'send', folder: name, message: { type: 'watched', watched, ...interval } }));
  return { crew: { ...crew, watched: tasks }, effects };
}

/** Takes nothing new and keeps the link; what runs comes to its end. For good: a drained agent does not come back. */
export function onDrain(crew: Crew, { reason }: CrewEventOf<'drain'>): CrewStep {
  if (crew.mode !== 'serving') return { crew, effects: [] };
  const said: CrewEffect = { do: 'say', level: 'info', sentence: `draining, nothing new is taken: ${reason}` };
  return { crew: { ...crew, mode: 'draining' }, effects: [said, ...dismissSpares(crew)] };
}

/** For a second SIGTERM. An apply is never stopped because its agent leaves. */
export function onCancelPlans(crew: Crew): CrewStep {
  return crew.folders
    .filter(({ attempt }) => attempt?.action === 'plan')
    .reduce<CrewStep>(
      (step, { attempt }) => {
        if (attempt === undefined) return step;
        const next = onCancel(step.crew, { kind: 'cancel', attemptId: attempt.attemptId, level: 1 });
        return { crew: next.crew, effects: [...step.effects, ...next.effects] };
      },
      { crew, effects: [] },
    );
}

/** Gives up every link: runners with an attempt go on and are found again, spares end. */
export function onLeave(crew: Crew): CrewStep {
  const going = crew.folders
    .filter(({ use, runner }) => use === 'attempt' && runner === 'attached')
    .map(({ name }): CrewEffect => ({ do: 'detach', folder: name }));
  return { crew: { ...crew, mode: 'leaving' }, effects: [...dismissSpares(crew), ...going] };
}

const dismissSpares = ({ folders }: Crew): CrewEffect[] =>
  folders
    .filter(({ use, runner }) => use === 'spare' && runner === 'attached')
    .map(({ name }): CrewEffect => ({ do: 'send', folder: name, message: { type: 'leave' } }));
