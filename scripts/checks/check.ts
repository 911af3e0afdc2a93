import { delimiter } from 'node:path';
import { run } from '@groundcrew/kit';
import { ROOT } from '../workspaces.ts';

/** One check of the tree. */
export interface Check {
  name: string;
  /** What it has to say; nothing wrong when `mistakes` is empty. */
  examine: () => Promise<Findings>;
}

export interface Findings {
  /** Each fails the check; may be several lines. */
  mistakes: readonly string[];
  /** Worth a look, fails nothing. */
  warnings?: readonly string[];
}

export interface CheckResult extends Findings {
  name: string;
  durationMs: number;
}

/** Runs checks side by side, telling each result as it comes. A check that breaks has failed. */
export function runChecks(checks: readonly Check[], tell: (result: CheckResult) => void): Promise<CheckResult[]> {
  return Promise.all(
    checks.map(async ({ name, examine }) => {
      const startMs = performance.now();
      const findings = await examine().catch((error: unknown) => ({ mistakes: [String(error)] }));
      const result = { name, durationMs: performance.now() - startMs, ...findings };
      tell(result);
      return result;
    }),
  );
}

/** A check that is a program of node_modules/.bin; all it printed is the mistake when it does not end with 0. */
export async function examineWith(program: string, ...args: string[]): Promise<Findings> {
  const bin = `${ROOT}/node_modules/.bin`;
  const env = { PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, HOME: process.env.HOME, NO_COLOR: '1' };
  const { code, signal, stdout, stderr } = await run([`${bin}/${program}`, ...args], { cwd: ROOT, env });
  if (code === 0) return { mistakes: [] };
  const said = `${stdout}${stderr}`.trim();
  return { mistakes: [said || `${program} ended with ${signal ?? `exit code ${code}`} and said nothing.`] };
}
