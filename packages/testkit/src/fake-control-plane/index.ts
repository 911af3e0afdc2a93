export type { ArrivedState, AttemptGiven, FakeAttempt } from './fake-attempt.ts';
export { type FakeControlPlane, type Fault, startFakeControlPlane } from './fake-control-plane.ts';
