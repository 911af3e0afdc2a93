export { createLeadership, type Leadership, type LeadershipOptions } from './leadership.ts';
export { type Loop, type LoopDeps, type LoopSpec, startLoop } from './loop.ts';
