import { startVitest } from 'vitest/node';
import { CHECKS, printResult, runChecks } from './checks/index.ts';
import { type Counts, createReporter, exitCodeOf, formatCounts } from './tests/index.ts';

// Arguments are parts of paths: only the test files with such a path are run, without the checks.
const filters = process.argv.slice(2);
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };

if (filters.length === 0) {
  const results = await runChecks(CHECKS, printResult);
  counts.failed += results.filter(({ mistakes }) => mistakes.length > 0).length;
  counts.passed += results.length - counts.failed;
}
const reporter = createReporter(counts, (line) => console.log(line));
const vitest = await startVitest(filters, { run: true, watch: false, reporters: [reporter] });
await vitest.close();
// Whatever a test left running does not keep the verdict waiting; the line is out before the process ends.
process.stdout.write(`${formatCounts(counts)}\n`, () => process.exit(exitCodeOf(counts)));
