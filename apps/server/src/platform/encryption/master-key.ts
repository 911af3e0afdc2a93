import { createHmac, hkdfSync } from 'node:crypto';
import { decrypt, encrypt, KEY_BYTES } from './aead.ts';

/** A key above all data keys. Asynchronous, because a key service may stand behind it. */
export interface MasterKey {
  /** Says which key this is without telling anything about it. */
  readonly fingerprint: string;
  wrap(secret: Buffer, context: readonly string[]): Promise<Buffer>;
  /** Undefined when it was wrapped with another key or for another context. */
  unwrap(wrapped: Buffer, context: readonly string[]): Promise<Buffer | undefined>;
}

/** A master key that is at hand as 32 bytes. One key per use is derived from it. */
export function createMasterKey(bytes: Buffer): MasterKey {
  const wrappingKey = derive(bytes, 'groundcrew data keys');
  return {
    fingerprint: createHmac('sha256', derive(bytes, 'groundcrew fingerprint')).update('').digest('base64url'),
    wrap: async (secret, context) => encrypt(wrappingKey, secret, context),
    unwrap: async (wrapped, context) => decrypt(wrappingKey, wrapped, context),
  };
}

const derive = (bytes: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), use, KEY_BYTES));
