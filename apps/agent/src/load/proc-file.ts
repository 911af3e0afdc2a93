import { readFileSync } from 'node:fs';

/**
 * A file of the kernel's; empty where there is none. Read at once: these are no disk's, and answer in microseconds. As UTF-8, which Node
 * reads without a buffer of 64 kB for each file whose size is not known: that was most of an idle agent's garbage.
 */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The number that the first group of a pattern finds. */
export function findNumber(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
