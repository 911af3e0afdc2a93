export type { Bus } from './bus.ts';
export { type BusOptions, createBus, type LinkedBus } from './linked-bus.ts';
export { createLocalBus, type LocalBus } from './local-bus.ts';
