import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore from 'ignore';

/**
 * What is never sent unless `.terraformignore` says otherwise: version control, and what Terraform makes anew by itself.
 */
const DEFAULTS = ['.git/', '.terraform/', '.groundcrew/'];

/** Tells whether a path of the folder stays behind; folders end in a slash. */
export type IsIgnored = (path: string) => boolean;

/** The folder's `.terraformignore`, in the words of `.gitignore`, after the defaults. */
export async function readIgnoreRules(folder: string): Promise<IsIgnored> {
  const rules = ignore()
    .add(DEFAULTS)
    .add(await readIfExists(join(folder, '.terraformignore')));
  return (path) => rules.ignores(path);
}

async function readIfExists(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
