import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listConfigFiles } from './config-files.ts';

/**
 * Those of `names` that the configuration in `dir` cannot declare, because the word stands nowhere in its files. Leaving their
 * values out spares a warning; a word that does stand somewhere is given the benefit of the doubt, since a declared variable
 * without its value would silently fall back to its default.
 */
export async function findUndeclaredVariables(dir: string, names: readonly string[]): Promise<string[]> {
  let missing = [...names];
  for (const { name, syntax } of await listConfigFiles(dir)) {
    if (missing.length === 0) break;
    const bytes = readFileSync(join(dir, name));
    // In JSON any letter of a name may be written as an escape.
    if (syntax === 'json' && bytes.includes('\\u')) return [];
    missing = missing.filter((variable) => !bytes.includes(variable));
  }
  return missing;
}
