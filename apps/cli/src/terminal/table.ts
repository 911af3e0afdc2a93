import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.ts';

/** Columns under their headings, each as wide as its widest cell; the last one is not padded. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : pad(cell, widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [style.dim(line(headings)), ...rows.map(line)].join('\n');
}

/** Names and values, one pair a line; pairs without a value are left out. */
export function formatFields(fields: readonly (readonly [string, string | null | undefined])[], style: Style): string {
  const given = fields.filter((field): field is readonly [string, string] => field[1] != null && field[1] !== '');
  const width = Math.max(0, ...given.map(([name]) => name.length));
  const indent = ' '.repeat(width + 2);
  return given
    .map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value.replaceAll('\n', `\n${indent}`)}`)
    .join('\n');
}

/** Width on a terminal: colours take none. */
const widthOf = (text: string): number => stripVTControlCharacters(text).length;
const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
