/**
 * - `bad_master_key`: the given master key is no key of 32 bytes
 * - `wrong_master_key`: not the one this database was made with, or one that is needed is not at hand
 * - `unknown_data_key`: sealed with a data key that is not there (any more)
 * - `damaged`: not what was sealed, or sealed for something else
 */
export const ENCRYPTION_ERROR_KINDS = ['bad_master_key', 'wrong_master_key', 'unknown_data_key', 'damaged'] as const;
type EncryptionErrorKind = (typeof ENCRYPTION_ERROR_KINDS)[number];

/** Never carries a key or a plaintext. */
export class EncryptionError extends Error {
  override readonly name = 'EncryptionError';
  readonly kind: EncryptionErrorKind;
  constructor(kind: EncryptionErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
