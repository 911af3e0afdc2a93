import type { Executor } from '../database/index.ts';
import { KEY_BYTES, OVERHEAD_BYTES } from './aead.ts';
import { readCurrent } from './current-master-key.ts';
import { EncryptionError } from './encryption-error.ts';
import { packEnvelope, unpackEnvelope } from './envelope.ts';
import type { MasterKeys } from './master-keys.ts';

/** What was wrapped before envelopes named their master key: a bare box, 32 bytes in it. */
const BARE_BYTES = KEY_BYTES + OVERHEAD_BYTES;

/**
 * Wraps a secret of 32 bytes with the database's current master key, and names that key beside it. In a transaction the key
 * stays current until its end, so that nothing appears under an old one after a rewrap has looked.
 */
export async function wrapSecret(
  tx: Executor,
  keys: MasterKeys,
  secret: Buffer,
  context: readonly string[],
): Promise<Buffer> {
  const { fingerprint } = await readCurrent(tx);
  const key = await keys.find(fingerprint);
  if (key === undefined) throw missing(fingerprint, keys.source);
  return packEnvelope({ keyId: fingerprint, box: await key.wrap(secret, context) });
}

/** Undefined when it was wrapped for another context or is damaged. Errors: `wrong_master_key`. */
export async function unwrapSecret(
  keys: MasterKeys,
  wrapped: Buffer,
  context: readonly string[],
): Promise<Buffer | undefined> {
  if (wrapped.length === BARE_BYTES) return unwrapBare(keys, wrapped, context);
  const { keyId, box } = unpackEnvelope(wrapped);
  const key = await keys.find(keyId);
  if (key === undefined) throw missing(keyId, keys.source);
  return key.unwrap(box, context);
}

async function unwrapBare(keys: MasterKeys, box: Buffer, context: readonly string[]): Promise<Buffer | undefined> {
  for (const key of [...keys.list(), ...(await keys.read())]) {
    const secret = await key.unwrap(box, context);
    if (secret !== undefined) return secret;
  }
  return undefined;
}

/** The master key that a secret is wrapped by, or undefined for one from before envelopes named it. */
export const findWrapper = (wrapped: Buffer): string | undefined =>
  wrapped.length === BARE_BYTES ? undefined : unpackEnvelope(wrapped).keyId;

/** As people see a fingerprint. */
export const shortFingerprint = (fingerprint: string): string => fingerprint.slice(0, 12);

const missing = (fingerprint: string, source: string): EncryptionError =>
  new EncryptionError(
    'wrong_master_key',
    `The master key ${shortFingerprint(fingerprint)} is needed and is not in ${source}. Put it there, behind the one that is to be used from now on; without it nothing that it protects can be opened.`,
  );
