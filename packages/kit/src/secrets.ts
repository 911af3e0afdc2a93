import { createHash, createPublicKey, randomBytes, timingSafeEqual, verify } from 'node:crypto';

/** A new secret as base64url; `bytes` of randomness. */
export const newSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** SHA-256 in lower-case hex. */
export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Whether two texts are the same, taking as long for a near miss as for a far one. */
export function equalSecrets(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(left, right);
}

/**
 * Whether `signature` (base64) is the Ed25519 signature of the text in UTF-8 by the owner of `publicKey` (base64 of the DER of its
 * SPKI form). False as well for what is no key or no signature.
 */
export function isEd25519Signature(text: string, signature: string, publicKey: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return (
      key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'))
    );
  } catch {
    return false;
  }
}
