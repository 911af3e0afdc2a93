import { isUtf8 } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { ConfigurationMistake } from './configuration-mistake.ts';

export interface ConfigFile {
  name: string;
  syntax: 'native' | 'json';
  /** Merged over the other files, in byte order of the names, the last one winning. */
  override: boolean;
}

const EXTENSION = /\.(?:tf|tofu)(\.json)?$/;

/** Orders names as Terraform reads a folder. JavaScript's own order differs beyond U+FFFF. */
const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * Names in a folder that are read as files, in byte order. The files of a configuration are few and small, and whoever prepares
 * a folder has nothing else to do: they are read at once, since a turn through the thread pool takes longer than the reading.
 * @throws ConfigurationMistake for a name that is not UTF-8: nothing said about such a file would be true.
 */
export async function listFileNames(dir: string): Promise<string[]> {
  const entries = readdirSync(dir, { withFileTypes: true, encoding: 'buffer' });
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const odd = names.find((name) => !isUtf8(name));
  if (odd)
    throw new ConfigurationMistake(
      `The configuration holds a file whose name is not UTF-8 (${odd.toString('latin1')}); rename it.`,
    );
  return names.map((name) => name.toString()).sort(compareBytes);
}

/** The files that Terraform or OpenTofu takes for parts of the module in `dir`, in byte order. */
export async function listConfigFiles(dir: string): Promise<ConfigFile[]> {
  return (await listFileNames(dir)).flatMap((name) => {
    const extension = EXTENSION.exec(name);
    if (!extension || isIgnored(name)) return [];
    const stem = name.slice(0, extension.index);
    return [
      {
        name,
        syntax: extension[1] ? 'json' : 'native',
        override: stem === 'override' || stem.endsWith('_override'),
      } as const,
    ];
  });
}

// Hidden files and what editors leave behind.
const isIgnored = (name: string): boolean =>
  name.startsWith('.') || name.endsWith('~') || (name.startsWith('#') && name.endsWith('#'));

/**
 * A name with `ending` that comes after all of `others` in byte order: `preferred` + ending if that does, else the greatest
 * one's own name with `preferred` appended. Files of the user's are thereby never the last word.
 */
export function lastName(others: readonly string[], preferred: string, ending: string): string {
  const greatest = [...others].sort(compareBytes).at(-1);
  if (greatest === undefined || compareBytes(greatest, `${preferred}${ending}`) < 0) return `${preferred}${ending}`;
  // "_" comes after the "." with which the greatest one's extension begins.
  return `${greatest.slice(0, greatest.indexOf('.', 1))}_${preferred}${ending}`;
}
