import { type Crew, type CrewStep, listHeld } from './crew.ts';
import type { CrewEvent, CrewEventKind, CrewEventOf } from './events.ts';
import { onFound } from './on-found.ts';
import { onAcceptAnswered, onFolderFailed, onFolderMade, onOffer, onTaskFailed, onTaskWritten } from './on-offer.ts';
import { onLooked, onRunnerGone, onRunnerMute, onRunnerUp } from './on-runner.ts';
import { fillSpares, onLimits } from './on-spares.ts';
import { onCancel, onCancelPlans, onDrain, onLeave, onWatched } from './on-wish.ts';

const HANDLERS: { [K in CrewEventKind]: (crew: Crew, event: CrewEventOf<K>) => CrewStep } = {
  found: onFound,
  offer: onOffer,
  folder_made: onFolderMade,
  folder_failed: onFolderFailed,
  accept_answered: onAcceptAnswered,
  task_written: onTaskWritten,
  task_failed: onTaskFailed,
  looked: onLooked,
  runner_up: onRunnerUp,
  runner_gone: onRunnerGone,
  runner_mute: onRunnerMute,
  cancel: onCancel,
  watched: onWatched,
  fill_spares: fillSpares,
  limits: onLimits,
  drain: onDrain,
  cancel_plans: onCancelPlans,
  leave: onLeave,
};

/**
 * Everything an agent decides about its folders, runners, slots and its own leaving, as one pure function: which offers it takes
 * or refuses and why, which folders it attaches to, starts a successor on or leaves alone, what it does when a runner dies, how
 * many spares it keeps, when it is done. The caller carries the effects out in their order and reports what came of them. Any event is
 * answered at any state; what comes late or twice changes nothing.
 */
export function stepCrew(crew: Crew, event: CrewEvent): CrewStep {
  const handler = HANDLERS[event.kind] as (crew: Crew, event: CrewEvent) => CrewStep;
  const step = handler(crew, event);
  if (step.crew.mode !== 'draining' || listHeld(step.crew).length > 0) return step;
  return { crew: step.crew, effects: [...step.effects, { do: 'idle' }] };
}
