import { createPublicKey, verify } from 'node:crypto';
import { sha256Hex } from '@groundcrew/kit';
import { type AuditLine, type AuditVerdict, type ChainCheckOptions, createChainCheck } from '@groundcrew/protocol';

/** Follows a whole export. */
export async function verifyLines(
  lines: AsyncIterable<AuditLine>,
  expected: Pick<ChainCheckOptions, 'anchor' | 'publicKey'>,
): Promise<AuditVerdict> {
  const check = createChainCheck({ sha256: sha256Hex, isSigned, ...expected });
  for await (const line of lines) check.take(line);
  return check.end();
}

function isSigned(text: string, signature: string, publicKey: string): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}
