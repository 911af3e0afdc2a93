import type { Clock } from '@groundcrew/kit';
import type { Exit } from '@groundcrew/terraform';
import type { CommandRecord } from './command-record.ts';
import { isRunning } from './process-stat.ts';

export interface FollowOptions {
  clock: Clock;
  /** The end of the launcher that we started ourselves; undefined for one of an earlier runner's. */
  launcherGone?: Promise<void>;
  /** Whether anything still holds `alive`. */
  isAlive: () => Promise<boolean>;
}

/** How Terraform ended, when nobody saw it. */
const UNKNOWN_EXIT: Exit = { code: null, signal: null };

const POLL_MS = 100;

/**
 * Waits for the end of a command that was begun, by us or by an earlier runner. Whether it ended without a witness is told by
 * the lock `alive` alone: it becomes free only when Terraform and all it started are gone.
 */
export async function followCommand(
  record: CommandRecord,
  { clock, launcherGone, isAlive }: FollowOptions,
): Promise<Exit> {
  await launcherGone;
  for (;;) {
    const exit = record.findExit();
    if (exit !== undefined) return exit;
    const process = record.findProcess();
    const seen = process !== undefined && isRunning(process);
    // The end may have been written down between the first look and the lock becoming free.
    if (!seen && !(await isAlive())) return record.findExit() ?? UNKNOWN_EXIT;
    await clock.sleep(POLL_MS);
  }
}
