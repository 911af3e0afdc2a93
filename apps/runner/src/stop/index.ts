export { type StopDeps, type StopOutcome, superviseStop } from './supervise-stop.ts';
