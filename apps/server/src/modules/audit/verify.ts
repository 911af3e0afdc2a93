import { isEd25519Signature, sha256Hex } from '@groundcrew/kit';
import { type AuditLine, type AuditVerdict, type ChainCheckOptions, createChainCheck } from '@groundcrew/protocol';

/** Follows a whole export. */
export async function verifyLines(
  lines: AsyncIterable<AuditLine>,
  expected: Pick<ChainCheckOptions, 'anchor' | 'publicKey'>,
): Promise<AuditVerdict> {
  const check = createChainCheck({ sha256: sha256Hex, isSigned: isEd25519Signature, ...expected });
  for await (const line of lines) check.take(line);
  return check.end();
}
