import type { OrganizationId } from '@groundcrew/protocol';
import type { Database, Executor } from '../database/index.ts';
import { decrypt, encrypt } from './aead.ts';
import { createDataKeys } from './data-keys.ts';
import { EncryptionError } from './encryption-error.ts';
import { packEnvelope, unpackEnvelope } from './envelope.ts';
import type { MasterKeys } from './master-keys.ts';

/**
 * Envelope encryption: values are sealed with an organisation's data key, data keys with the master key. A sealed value opens
 * only in its organisation, for the purpose and the subject it was sealed for, so that a row's bytes are of no use in another
 * row. May be called inside a transaction; it reads keys in a session of its own.
 */
export interface Sealer {
  /**
   * @param purpose what kind of thing this is: `state`, `variable`
   * @param subjectId whose: the id that will be at hand when it is opened
   */
  seal(
    organizationId: OrganizationId,
    purpose: string,
    subjectId: string,
    plaintext: Uint8Array | string,
  ): Promise<Buffer>;
  /** Errors: `damaged`, `unknown_data_key`, `wrong_master_key`. */
  open(organizationId: OrganizationId, purpose: string, subjectId: string, sealed: Buffer): Promise<Buffer>;
  /**
   * For the transaction that makes an organisation, so that all replicas seal with the same key from the first value on. That
   * value can be sealed once the transaction is committed.
   */
  createDataKey(executor: Executor, organizationId: OrganizationId): Promise<void>;
}

/** @param now milliseconds of a clock; the computer's own when not given */
export function createSealer(db: Database, masterKeys: MasterKeys, now: () => number = Date.now): Sealer {
  const keys = createDataKeys(db, masterKeys, now);
  return {
    async seal(organizationId, purpose, subjectId, plaintext) {
      const { id, key } = await keys.current(organizationId);
      const box = encrypt(key, toBytes(plaintext), ['sealed', organizationId, purpose, subjectId]);
      return packEnvelope({ keyId: id, box });
    },
    async open(organizationId, purpose, subjectId, sealed) {
      const { keyId, box } = unpackEnvelope(sealed);
      const { key } = await keys.get(organizationId, keyId);
      const plaintext = decrypt(key, box, ['sealed', organizationId, purpose, subjectId]);
      if (plaintext === undefined)
        throw new EncryptionError(
          'damaged',
          `The sealed ${purpose} of ${subjectId} does not open: it is damaged, or was sealed for something else.`,
        );
      return plaintext;
    },
    createDataKey: async (executor, organizationId) => void (await keys.create(executor, organizationId)),
  };
}

const toBytes = (plaintext: Uint8Array | string): Uint8Array =>
  typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext;
