import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError, EXIT, usageError } from '../../cli-error.ts';
import { type Io, isInteractive, readAll } from '../../terminal/io.ts';
import { askSecret } from '../../terminal/prompt.ts';

/** `key=value` as typed, or only the key, whose value comes from elsewhere. */
export interface Assignment {
  key: string;
  value: string | undefined;
}

export function parseAssignment(text: string): Assignment {
  const at = text.indexOf('=');
  return at < 0 ? { key: text, value: undefined } : { key: text.slice(0, at), value: text.slice(at + 1) };
}

/**
 * A value that must not stand on the command line, where other users of the machine and the shell's history could read it: from
 * a file, from standard input, or asked for.
 */
export async function readValue(io: Io, key: string, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== '-') return refuseEmpty(key, file, await readFileOrSay(resolve(io.cwd, file)));
  if (file === '-' || !io.stdin.isTTY)
    return refuseEmpty(key, 'standard input', (await readAll(io)).replace(/\r?\n$/, ''));
  if (!isInteractive(io)) throw usageError(`The value of "${key}" is missing: pipe it in, or give --file.`);
  const answer = await askSecret(io, `Value of ${key}`);
  if (answer === undefined) throw new CliError('Nothing was changed.', { code: 'declined', exitCode: EXIT.cancelled });
  return answer;
}

async function readFileOrSay(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`Cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : code}.`, { code: 'file' });
  }
}

/** Nothing where a value was meant to come from is a broken pipe or a forgotten file, and would replace what was there. */
function refuseEmpty(key: string, source: string, value: string): string {
  if (value === '')
    throw usageError(`The value of "${key}" is empty: nothing came from ${source}. Nothing was changed.`);
  return value;
}
