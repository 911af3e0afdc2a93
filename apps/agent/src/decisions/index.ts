export { type Crew, type CrewFolder, type CrewOptions, type CrewStep, createCrew, isTaking, listHeld } from './crew.ts';
export { type ConditionFacts, decideCondition } from './decide-condition.ts';
export { decideFolder, type FolderChoice, type FolderEvidence } from './decide-folder.ts';
export {
  decidePull,
  decideSignOn,
  decideTalk,
  decideWishes,
  type LinkMode,
  renewTokenAfterMs,
  type SignOnFailure,
  signOnPauseMs,
} from './decide-link.ts';
export { decideLocalRequest, type LocalChoice } from './decide-local-request.ts';
export { decidePlanLimit, type PlanLimit, type PlanLimitSettings, startPlanLimit } from './decide-plan-limit.ts';
export { decideReload } from './decide-reload.ts';
export type { CrewEffect } from './effects.ts';
export type { CrewEvent, RunnerEnded } from './events.ts';
export type { HeldAttempt } from './held-attempt.ts';
export { countFreeSlots } from './slots.ts';
export { stepCrew } from './step.ts';
