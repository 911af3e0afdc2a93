export type { AttemptContext, AttemptState } from './attempt-context.ts';
export { createCommands } from './commands.ts';
export { exitRecord } from './exit-record.ts';
export { createProgramFinder, type ProgramFinder } from './find-program.ts';
export { finished } from './outcome.ts';
export { type AttemptEnd, runAttempt } from './run-attempt.ts';
export { createStanding, type Standing } from './standing.ts';
