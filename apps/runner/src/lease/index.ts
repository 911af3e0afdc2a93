export { startLease } from './lease.ts';
export { createWishes, type Wishes } from './wishes.ts';
