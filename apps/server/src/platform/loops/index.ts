export { createLeadership } from './leadership.ts';
export { type Loop, type LoopSpec, startLoop } from './loop.ts';
