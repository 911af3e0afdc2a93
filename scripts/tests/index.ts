export { type Counts, exitCodeOf, formatCounts } from './counts.ts';
export { createReporter } from './reporter.ts';
