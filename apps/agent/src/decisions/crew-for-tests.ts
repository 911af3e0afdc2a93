import type { Action, AttemptId, RunTask } from '@groundcrew/protocol';
import { type Crew, type CrewOptions, type CrewStep, createCrew } from './crew.ts';
import type { CrewEffect } from './effects.ts';
import type { CrewEvent, RunnerEnded } from './events.ts';
import type { HeldAttempt } from './held-attempt.ts';
import { stepCrew } from './step.ts';

export const crewOf = (options: Partial<CrewOptions> = {}): Crew =>
  createCrew({ maxConcurrent: 2, sparesWanted: 0, prefix: 'f', ...options });

/** An offer of attempt `n`. */
export const offerOf = (n: number, action: Action = 'plan'): RunTask =>
  ({
    task_id: `task-${n}`,
    workspace_id: 'ws-1',
    action,
    attempt: { id: `att-${n}`, epoch: n, offer_expires_at: '' },
    tool: 'terraform',
    terraform_version: null,
  }) as RunTask;

export const heldAttempt = (n: number, action: Action = 'plan'): HeldAttempt =>
  ({ attemptId: `att-${n}`, taskId: `task-${n}`, action }) as HeldAttempt;

export const attemptId = (n: number): AttemptId => `att-${n}` as AttemptId;

export const endedOf = (n: number): RunnerEnded => ({
  type: 'ended',
  attempt_id: attemptId(n),
  result: 'succeeded',
  exit_code: 0,
  duration: 1,
  error_message: null,
});

/** Plays events one after the other; gives the crew at the end and the effects of the last one. */
export function play(crew: Crew, ...events: CrewEvent[]): CrewStep {
  return events.reduce<CrewStep>((step, event) => stepCrew(step.crew, event), { crew, effects: [] });
}

/** What is done, and to which folder, in one word each. */
export const brief = (effects: readonly CrewEffect[]): string[] =>
  effects.map((effect) => {
    const to = 'folder' in effect && effect.folder !== undefined ? ` ${effect.folder}` : '';
    const what = effect.do === 'send' ? `send ${effect.message.type}` : effect.do;
    return `${what}${to}`;
  });

/** The events that bring a serving crew without spares to hold attempt `n` in folder `folder`, its runner attached. */
export const running = (n: number, folder: string, action: Action = 'plan'): CrewEvent[] => [
  { kind: 'offer', order: offerOf(n, action) },
  { kind: 'folder_made', folder },
  { kind: 'accept_answered', folder, refusal: undefined },
  { kind: 'task_written', folder },
  { kind: 'runner_up', folder },
];
