/** What came of the tests so far. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The last line of a test run: `N passed, N failed`, with `, N skipped` where that is so. */
export const formatCounts = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** Only a run in which something passed and nothing failed is a good one. */
export const exitCodeOf = ({ passed, failed }: Counts): 0 | 1 => (failed === 0 && passed > 0 ? 0 : 1);
