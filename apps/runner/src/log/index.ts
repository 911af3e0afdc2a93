export { listDumps } from './keep-dumps.ts';
export { openLog } from './open-log.ts';
export type { AttemptLog, PhaseLog } from './phase-log.ts';
export { secretsOf } from './secrets-of.ts';
