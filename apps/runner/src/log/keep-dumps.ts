import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type CreateCutter, cutDumps } from '../mask/index.ts';

const NAME = /^dump-(\d+)$/;

/**
 * Cuts the states out of a log that Terraform prints when it can save them nowhere else, and keeps each as a file in `dir`. A
 * part that comes twice is written to its place twice.
 */
export const keepDumps = (dir: string): CreateCutter =>
  cutDumps(({ from, at, bytes }) => {
    const file = openSync(join(dir, `dump-${from}`), 'a', 0o600);
    closeSync(file);
    writeAt(join(dir, `dump-${from}`), bytes, at - from);
  });

/** Paths of the states that were cut out, in the order in which Terraform printed them. */
export function listDumps(dir: string): string[] {
  const places = readdirSync(dir).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return places.sort((a, b) => Number(a) - Number(b)).map((from) => join(dir, `dump-${from}`));
}

function writeAt(path: string, bytes: Uint8Array, position: number): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, position);
  } finally {
    closeSync(file);
  }
}
