import { createMasker } from './masker.ts';
import type { Patterns } from './patterns.ts';

/** Behind everything: secrets that are looked for from some offset on only are looked for there. */
const FAR = { rawOffset: 2 ** 52, maskedOffset: 0 };

/** Masks a text that is no part of a stream, such as a sentence of ours, with all secrets of the patterns. */
export function maskText(text: string, patterns: Patterns): string {
  const masker = createMasker({ patterns, start: FAR });
  return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString();
}
