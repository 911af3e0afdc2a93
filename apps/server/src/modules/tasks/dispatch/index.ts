export { createDispatcher, type Dispatcher } from './dispatcher.ts';
export type { CandidateRow, ReadCandidates } from './snapshot-store.ts';
