import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';

/** How often Terraform's output is looked at: it can finish a thousand resources in a second, and people see a few changes. */
const PROGRESS_EVERY_MS = 200;
/** As many addresses, and as long ones, as a report of progress names. */
const MAX_RUNNING = 50;
const MAX_ADDRESS = 1024;

/** Tells how far an apply is until the signal aborts, and once more then; never fails. */
export async function tellProgress(
  { standing, clock }: Pick<AttemptContext, 'standing' | 'clock'>,
  { output }: Pick<PhaseLog, 'output'>,
  over: AbortSignal,
): Promise<void> {
  for (let isLast = false; ; isLast = over.aborted) {
    const { done, total, running } = output.progress();
    const shown = running.slice(0, MAX_RUNNING).map((address) => address.slice(0, MAX_ADDRESS));
    standing.advance({ done, total, running: shown });
    if (isLast) return;
    await clock.sleep(PROGRESS_EVERY_MS, over).catch(() => {});
  }
}
