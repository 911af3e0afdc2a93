import { readFileSync } from 'node:fs';

/** A file of the kernel's; empty where there is none. Read at once: these are no disk's, and answer in microseconds. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The number that the first group of a pattern finds. */
export function findNumber(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
