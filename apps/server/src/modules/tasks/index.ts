export { type AttemptsService, createAttemptsService } from './attempts-service.ts';
export type { Decider, EffectContext } from './decide.ts';
export type { CandidateRow, ReadCandidates } from './dispatch/index.ts';
export type { Effect, Figures } from './lifecycle/index.ts';
export { START_FIGURES } from './lifecycle/index.ts';
export { createTasksModule, type TasksModule, taskChannel } from './module.ts';
