import { join } from 'node:path';
import { createExclusively, readFileIfExists } from '@groundcrew/kit';

/** Whether the apply was started: `started` is written by the launcher right before Terraform, `never` by whoever finds nothing. */
export type Fate = 'started' | 'never';

export const FATE_FILE = 'fate';
const NEVER = 'never\n';

/**
 * Reads the content of the fate file. `never` is only ever put there whole; anything else is what a launcher managed to write
 * before the machine died, and Terraform may have run after it.
 * @internal
 */
export const parseFate = (content: string): Fate => (content === NEVER ? 'never' : 'started');

/** What is decided so far; undefined when nothing is. */
export async function findFate(journalDir: string): Promise<Fate | undefined> {
  const content = await readFileIfExists(join(journalDir, FATE_FILE));
  return content === undefined ? undefined : parseFate(content.toString('utf8'));
}

/**
 * Rules out that an apply is started from now on, unless one was started before. Gives what stands there for good: a launcher
 * that is only slow, and not dead, finds `never` and does nothing.
 */
export async function settleFate(journalDir: string): Promise<Fate> {
  if (await createExclusively(join(journalDir, FATE_FILE), NEVER)) return 'never';
  return (await findFate(journalDir)) ?? 'started';
}
