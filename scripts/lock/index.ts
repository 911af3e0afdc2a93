export { findMissingEntries, type LockFile } from './complete-lock.ts';
