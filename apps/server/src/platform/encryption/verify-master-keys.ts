import { sql } from 'kysely';
import type { Executor } from '../database/index.ts';
import { ensureCurrent, readCurrent } from './current-master-key.ts';
import { EncryptionError } from './encryption-error.ts';
import type { MasterKeys } from './master-keys.ts';
import { listSecretFacts } from './secret-facts.ts';
import { findWrapper, shortFingerprint } from './wrapping.ts';

/**
 * Makes sure that the master keys at hand open what is in this database; the first one ever seen becomes its current one.
 * Called at each start, before anything is sealed: a key that is missing would be found out only when something cannot be
 * opened any more. Errors: `wrong_master_key`.
 */
export async function verifyMasterKeys(db: Executor, keys: MasterKeys): Promise<void> {
  await ensureCurrent(db, keys);
  const { fingerprint: wanted, first } = await readCurrent(db);
  if ((await keys.find(wanted)) === undefined)
    throw new EncryptionError(
      'wrong_master_key',
      `The master key in ${keys.source} is not the one this database was made with, so nothing sealed in it could be opened. Put the right one (${shortFingerprint(wanted)}) back there, or give it in GROUNDCREW_MASTER_KEY or GROUNDCREW_MASTER_KEY_FILE, alone or behind a new one.`,
    );
  for (const [fingerprint, count] of await countWrapped(db, first))
    if ((await keys.find(fingerprint)) === undefined)
      throw new EncryptionError(
        'wrong_master_key',
        `${count} keys of this database are still wrapped by the master key ${shortFingerprint(fingerprint)}, which is not in ${keys.source}, so what they sealed could not be opened. Put it back there, behind the new one, and take it away only after: groundcrew server keys rewrap`,
      );
}

/** How many data keys and secrets each master key has wrapped, by fingerprint. */
export async function countWrapped(db: Executor, first: string): Promise<Map<string, number>> {
  const { rows } = await sql<{ wrapped: Buffer }>`SELECT wrapped FROM data_keys`.execute(db);
  const facts = (await listSecretFacts(db)).map(({ value }) => Buffer.from(value.wrapped, 'base64'));
  const counts = new Map<string, number>();
  for (const wrapped of [...rows.map((row) => row.wrapped), ...facts]) {
    // One from before keys were named was wrapped by the only one there was.
    const fingerprint = findWrapper(wrapped) ?? first;
    counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1);
  }
  return counts;
}
