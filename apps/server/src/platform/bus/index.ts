export type { Bus } from './bus.ts';
export { createBus } from './linked-bus.ts';
