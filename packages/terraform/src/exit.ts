import { constants } from 'node:os';

/** How a program ended: by itself with a code, or by a signal. Both null: nobody knows. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

/**
 * Reads a shell's `$?`: above 128 the program was ended by signal `$? - 128`.
 * @throws Error when the number cannot be an exit status.
 */
export function readExit(codeFromShell: number): Exit {
  if (!Number.isInteger(codeFromShell) || codeFromShell < 0 || codeFromShell > 255) {
    throw new Error(`${codeFromShell} is no exit status; it must be a whole number from 0 to 255`);
  }
  if (codeFromShell <= 128) return { code: codeFromShell, signal: null };
  return { code: null, signal: signalName(codeFromShell - 128) };
}

function signalName(number: number): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === number);
  return known?.[0] ?? `SIG${number}`;
}
