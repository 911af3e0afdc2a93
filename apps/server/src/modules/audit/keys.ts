import { createHmac, createPrivateKey, createPublicKey, hkdfSync, randomBytes, sign } from 'node:crypto';
import { equalSecrets } from '@groundcrew/kit';
import { canonicalJson } from '@groundcrew/protocol';

/** What the server alone can do, because the key is not in the database's plain rows: mark what it writes, sign how far it got. */
export interface AuditKeys {
  /** A mark for a row: whoever writes to the table by other ways cannot make one. */
  stamp(fields: object): string;
  isStamp(fields: object, stamp: string): boolean;
  /** Ed25519 in base64. */
  sign(text: string): string;
  /** SPKI as base64 of the DER. */
  readonly publicKey: string;
}

/** DER of a PKCS #8 Ed25519 key up to the 32 bytes of its seed (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const NONCE_BYTES = 12;

/** @param secret of the installation, the same on every replica */
export function createAuditKeys(secret: Buffer): AuditKeys {
  const stampKey = derive(secret, 'groundcrew audit stamps');
  const seed = derive(secret, 'groundcrew audit signatures');
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).toString('base64');

  function mark(nonce: string, fields: object): string {
    const hmac = createHmac('sha256', stampKey)
      .update(`${nonce}.${canonicalJson(fields)}`)
      .digest('base64url');
    return `${nonce}.${hmac}`;
  }

  return {
    stamp: (fields) => mark(randomBytes(NONCE_BYTES).toString('base64url'), fields),
    isStamp: (fields, stamp) => equalSecrets(mark(stamp.slice(0, stamp.indexOf('.')), fields), stamp),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64'),
    publicKey,
  };
}

const derive = (secret: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), use, 32));
