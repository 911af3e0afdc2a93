export * from './aggregate.ts';
export { type Decision, REFUSAL_CODES, type Refusal } from './change.ts';
export { nextDeadline } from './deadlines.ts';
export type { Effect } from './effects.ts';
export type * from './events.ts';
export { type Figures, START_FIGURES } from './figures.ts';
export { outageShift } from './lease.ts';
export { step, stepWorkspace } from './step.ts';
