export { type Bus, type BusOptions, createBus, type LinkedBus } from './bus.ts';
export { createLocalBus, type LocalBus } from './local-bus.ts';
