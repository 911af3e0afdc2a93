export type { AttemptsService } from './attempts-service.ts';
export type { Decided, DecidedTask, Decider } from './decide.ts';
export type { Candidate, CandidateReader } from './dispatch/index.ts';
export type { Watermark } from './find-restore.ts';
export type { Attempt, Figures } from './lifecycle/index.ts';
export { START_FIGURES } from './lifecycle/index.ts';
export { createTasksModule, type TasksModule, taskChannel } from './module.ts';
export type { WatermarkKeeper } from './restore-guard.ts';
export { contactLostSince } from './verdict.ts';
