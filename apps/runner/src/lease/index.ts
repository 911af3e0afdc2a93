export { type Lease, type LeaseDeps, startLease } from './lease.ts';
export { createWishes, type Wishes } from './wishes.ts';
