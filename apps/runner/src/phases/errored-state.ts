import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findStateOnDisk, type SpooledState, type StateSpool } from '../relay/index.ts';

const FILE = 'errored.tfstate';

/**
 * Takes in the state that Terraform leaves beside the configuration when it can save it nowhere else. It is then the newest,
 * and its only copy until the server has it; undefined when there is none.
 */
export async function rescueErroredState(cwd: string, spool: StateSpool): Promise<SpooledState | undefined> {
  const path = join(cwd, FILE);
  if ((await findStateOnDisk(path)) === undefined) return undefined;
  const state = await spool.add(createReadStream(path));
  // It holds secrets, and is readable for everybody.
  await rm(path, { force: true });
  return state;
}
