import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listStateResources } from '@groundcrew/terraform';
import type { PhaseLog } from '../log/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { findUnrecorded } from './find-unrecorded.ts';
import type { FinishOutcome } from './outcome.ts';

/** As many, and as long, as an exit record takes. */
const MAX_ENTRIES = 10_000;
const MAX_TEXT = 1024;

/** What Terraform reported as done and the last saved state does not show, after it died in the middle. */
export async function listUnrecorded(
  { state, folder, log: attemptLog, logger }: AttemptContext,
  log: PhaseLog,
): Promise<FinishOutcome['unrecorded']> {
  const bytes = await readFile(state.spool.newest()?.path ?? join(folder.state, 'fetched')).catch(() => NO_STATE);
  try {
    const missing = findUnrecorded(log.output.progress().completed, listStateResources(bytes));
    return missing.slice(0, MAX_ENTRIES).map(({ address, action, id }) => ({
      address: address.slice(0, MAX_TEXT),
      action,
      id: id === null ? null : attemptLog.mask(id).slice(0, MAX_TEXT),
    }));
  } catch (error) {
    logger.error({ err: error }, 'the last state cannot be compared with what was seen');
    return [];
  }
}

const NO_STATE = Buffer.from('{"resources":[]}');
