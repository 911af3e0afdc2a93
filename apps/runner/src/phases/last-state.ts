import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listDumps, type PhaseLog } from '../log/index.ts';
import { findStateOnDisk } from '../relay/index.ts';
import type { AttemptContext } from './attempt-context.ts';

const ERRORED = 'errored.tfstate';

/**
 * Takes in the state that Terraform leaves when it cannot save it: in `errored.tfstate` beside the configuration or, if not even
 * that can be written, in its output, where the log's masker cut it out. It is then the newest state, and the only copy of it.
 */
export async function rescueStates(context: AttemptContext, cwd: string, log: PhaseLog): Promise<void> {
  const errored = join(cwd, ERRORED);
  if (await rescue(context, errored))
    await log.note('Terraform could not save its state and left it in errored.tfstate; it is delivered to the server.');
  // Cut out only as the log is masked to its end; then no note can follow any more.
  await log.end();
  for (const dump of listDumps(context.folder.state)) await rescue(context, dump);
}

/** True when there was a state that is newer than what the relay has. */
async function rescue({ state, logger }: AttemptContext, path: string): Promise<boolean> {
  const name = await findStateOnDisk(path);
  const known = state.spool.newest()?.name;
  if (name === undefined || (known?.lineage === name.lineage && known.serial > name.serial)) return false;
  await state.spool.add(createReadStream(path));
  state.forwarder.wake();
  // It holds secrets, and is readable for everybody.
  await rm(path, { force: true });
  logger.warn({ serial: name.serial }, 'Terraform could not save its state; what it left was taken in');
  return true;
}
