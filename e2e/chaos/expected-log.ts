import { compilePatterns, createMasker, cutDumps } from '@groundcrew/runner/mask';

/** mask(what Terraform wrote): in one piece, by a masker that nothing interrupts. */
export function expectedLog(raw: Buffer, secret: { name: string; value: string }): Buffer {
  const patterns = compilePatterns([
    { fromOffset: 0, secrets: [{ name: `variable "${secret.name}"`, value: secret.value }] },
  ]);
  const masker = createMasker({ patterns, createCutter: cutDumps(() => {}) });
  return Buffer.concat([masker.push(raw), masker.end()]);
}
