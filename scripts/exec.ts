import { join } from 'node:path';
import { ROOT } from './workspaces.ts';

/**
 * Becomes another Node program: same process, same terminal, so that signals reach it and its exit code is ours.
 *
 * @param path the program, from the root
 */
export function becomeNode(path: string, args: readonly string[]): never {
  const env = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  process.execve?.(process.execPath, [process.execPath, join(ROOT, path), ...args], env);
  throw new Error(`This Node (${process.version}) cannot replace itself by ${path}.`);
}
