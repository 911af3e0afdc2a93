import type { Clock } from '@groundcrew/kit';
import { isRunning, type ProcessStat, readProcessStat } from './process-stat.ts';

/** Sends SIGINT to Terraform's own process and to nothing else: its providers ignore SIGINT, but nothing else of the group does. */
export function interruptProcess(terraform: ProcessStat): boolean {
  return isRunning(terraform) && send(terraform.pid, 'SIGINT');
}

/** Kills whatever is left of Terraform's process group. */
export function killGroup(terraform: ProcessStat): boolean {
  // While a group has members its number is given to nobody else; a process with this pid and another birth is a stranger.
  const leader = readProcessStat(terraform.pid);
  if (leader !== undefined && leader.startTime !== terraform.startTime) return false;
  return send(-terraform.pid, 'SIGKILL');
}

/** A member of the group that survives SIGKILL hangs in the kernel; it is not waited for for ever. */
const EMPTY_WITHIN_MS = 5_000;
const POLL_MS = 10;

export interface EndGroupOptions {
  clock: Clock;
  /** Whether anything still holds `alive`. */
  isAlive: () => Promise<boolean>;
}

/**
 * Kills Terraform's process group and waits until nothing of it runs: what provisioners and providers left behind must not go
 * on changing things behind an attempt that has ended. Gives false when something stays all the same.
 */
export async function endGroup(terraform: ProcessStat, { clock, isAlive }: EndGroupOptions): Promise<boolean> {
  const deadline = clock.now() + EMPTY_WITHIN_MS;
  while (killGroup(terraform)) {
    // A group of nothing but zombies, whose new parent takes its time to bury them, is as good as empty.
    if (!(await isAlive())) return true;
    if (clock.now() >= deadline) return false;
    await clock.sleep(POLL_MS);
  }
  return true;
}

/** False when there is nothing to send to. */
function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    // EPERM: the number has been given to somebody else's process since.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
