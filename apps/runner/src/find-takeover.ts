import type { AttemptFolder } from './folder/index.ts';
import { decideTakeover, findFate, type Journal, type Takeover } from './journal/index.ts';
import { commandRecord, isAlive } from './launcher/index.ts';

/** What this runner, which holds the folder's lock, has to do about the attempt. */
export async function findTakeover(folder: AttemptFolder, journal: Journal): Promise<Takeover> {
  // Nothing can run where nobody wrote a line, and asking takes a process.
  if (journal.isNew) return 'begin';
  const begun = journal.find('begun') !== undefined;
  const fate = await findFate(journal.dir);
  const exit = journal.find('finish') !== undefined || commandRecord(journal.dir, 'apply').findExit() !== undefined;
  return decideTakeover({ lockHeld: false, aliveHeld: await isAlive(folder.alive), journal: { begun, fate, exit } });
}
