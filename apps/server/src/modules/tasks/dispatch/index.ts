export { createDispatcher } from './dispatcher.ts';
export type { CandidateRow, ReadCandidates } from './snapshot-store.ts';
