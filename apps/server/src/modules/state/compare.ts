import type { StateComparison } from '@groundcrew/protocol';
import { compareStates } from '@groundcrew/terraform';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Database } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { StateRow } from './store.ts';

/** Both states are in memory while they are compared; larger ones have to be compared where there is room for them. */
const MAX_COMPARED_BYTES = 64 * 1024 * 1024;

/** Compares a state with the current one, one pair at a time, so that memory is bounded however many people look. */
export function createStateComparer({ db, blobs }: { db: Database; blobs: BlobStore }) {
  let turn: Promise<unknown> = Promise.resolve();

  function compare(version: StateRow, current: StateRow | undefined): Promise<StateComparison> {
    const mine = turn.then(() => compareNow(version, current));
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function compareNow(version: StateRow, current: StateRow | undefined): Promise<StateComparison> {
    const same = current === undefined || current.lineage === version.lineage;
    const read = async (row: StateRow) => blobs.read(db, row.blob_id);
    for (const row of [version, ...(current ? [current] : [])]) refuseTooLarge(row);
    const difference = await compareStates(current && (await read(current)), await read(version));
    return {
      version: present(version),
      current: current === undefined ? null : present(current),
      same_lineage: same,
      serial_ahead: current !== undefined && same ? version.serial - current.serial : null,
      ...difference,
    };
  }

  return { compare };
}

function refuseTooLarge({ version, size }: StateRow): void {
  if (size > MAX_COMPARED_BYTES)
    throw new AppError(
      'too_large',
      `State version ${version} has ${size} bytes, and the server compares states of up to ${MAX_COMPARED_BYTES}; pull both and compare them where you are.`,
    );
}

const present = (row: StateRow): StateComparison['version'] => ({
  id: row.id,
  version: row.version,
  serial: row.serial,
  lineage: row.lineage,
  standing: row.standing,
  resource_count: row.resource_count,
  terraform_version: row.terraform_version,
  created_at: row.created_at.toISOString(),
});
