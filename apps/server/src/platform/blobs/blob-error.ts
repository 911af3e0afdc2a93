/**
 * - `not_found`: no such blob, or one whose bytes never came to their end
 * - `too_large`: more bytes than allowed; nothing is kept
 * - `checksum`: the bytes are not those that were announced; nothing is kept
 * - `damaged`: what is stored is not what was put
 */
type BlobErrorKind = 'not_found' | 'too_large' | 'checksum' | 'damaged';

export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly kind: BlobErrorKind;
  constructor(kind: BlobErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
