import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** How the user types this command, for hints that can be copied: in a clone it is not on PATH, but npx finds it. */
export function commandName(env: NodeJS.ProcessEnv): string {
  if (env.GROUNDCREW_COMMAND) return env.GROUNDCREW_COMMAND;
  // Bundled, this file lies in dist/cli.
  const isClone = existsSync(join(import.meta.dirname, '..', '..', 'package-lock.json'));
  return isClone ? 'npx groundcrew' : 'groundcrew';
}
