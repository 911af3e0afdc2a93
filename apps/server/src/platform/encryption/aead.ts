import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** AES-256-GCM (NIST SP 800-38D). With random nonces one key is good for 2^32 messages; ours seal a fraction of that. */
const ALGORITHM = 'aes-256-gcm';
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What a box is longer than the plaintext in it. */
export const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** Nonce, ciphertext and tag, one after the other. `context` is bound to it and has to be given again to open it. */
export function encrypt(key: Buffer, plaintext: Uint8Array, context: readonly string[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(encodeContext(context));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext, or undefined when a bit has changed, the key is another one or the context is. */
export function decrypt(key: Buffer, sealed: Buffer, context: readonly string[]): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(encodeContext(context));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** As JSON, so that no two different lists come to the same bytes. */
const encodeContext = (context: readonly string[]): Buffer => Buffer.from(JSON.stringify(context));
