import { createMasker } from './masker.ts';
import type { Patterns } from './patterns.ts';

/** Masks a text that stands for itself, such as a sentence of ours. */
export function maskText(text: string, patterns: Patterns): string {
  const masker = createMasker({ patterns });
  return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString();
}
