import { descriptorOf } from '../host/file-system.ts';
import type { Process } from '../world.ts';
import type { ApplyRun } from './ledger.ts';

/** A provider at work on one thing, in a process of its own. */
export interface Provider {
  /** Resolves when it is gone; never for a Terraform that is gone itself. */
  readonly gone: Promise<void>;
  /** Has it end at once; false when it was gone already. */
  kill(): boolean;
}

/**
 * Starts a provider as a process of Terraform's group that has inherited `alive`. It takes no SIGINT, and what it has begun it
 * finishes whether or not its Terraform lives: only the end of the group, or of the host, stops it.
 */
export function startProvider(terraform: Process, work: { entry: ApplyRun; address: string; ms: number }): Provider {
  const { entry, address, ms } = work;
  const { host } = terraform;
  const process = host.start('provider', terraform.group);
  process.onSignal = () => {};
  process.descriptors.set(3, descriptorOf(terraform, 3).hold());
  process.atExit.add(() => {
    if (!terraform.alive) entry.changing = false;
  });
  process.after(ms, () => {
    host.world.ledger.make(entry, address);
    process.end({ code: 0, signal: null });
  });
  const gone = new Promise<void>((resolve) => process.atExit.add(() => void terraform.after(0, resolve)));
  function kill(): boolean {
    const wasAlive = process.alive;
    process.end({ code: null, signal: 'SIGKILL' });
    return wasAlive;
  }
  return { gone, kill };
}
