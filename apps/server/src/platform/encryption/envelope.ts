import { EncryptionError } from './encryption-error.ts';

/**
 * What is stored for a sealed value: version (1 byte, now 1), length of the data key's id (1 byte), the id, then nonce,
 * ciphertext and tag. The id stands in it so that keys can change while old values stay as they are.
 */
export interface Envelope {
  keyId: string;
  box: Buffer;
}

const VERSION = 1;

export function packEnvelope({ keyId, box }: Envelope): Buffer {
  const id = Buffer.from(keyId);
  return Buffer.concat([Buffer.of(VERSION, id.length), id, box]);
}

/** Errors: `damaged`. */
export function unpackEnvelope(sealed: Buffer): Envelope {
  const [version, length = 0] = sealed;
  if (version !== VERSION || sealed.length < 2 + length)
    throw new EncryptionError(
      'damaged',
      'A sealed value does not begin as one: it is damaged, or a newer version of Groundcrew made it.',
    );
  return { keyId: sealed.subarray(2, 2 + length).toString(), box: sealed.subarray(2 + length) };
}
