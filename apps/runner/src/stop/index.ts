export { type StopOutcome, superviseStop } from './supervise-stop.ts';
