import { readFile } from 'node:fs/promises';

const LONGEST_LINE = 500;

/** The last lines of a log file of ours, JSON lines as what they say; empty when there is no such file. */
export async function readTail(path: string, lines: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).map(plainLine).join('\n');
}

function plainLine(line: string): string {
  const { level, msg, err } = parse(line);
  const text = msg === undefined ? line : [level, msg, err?.message].filter(Boolean).join(': ');
  return text.length <= LONGEST_LINE ? text : `${text.slice(0, LONGEST_LINE)}…`;
}

function parse(line: string): { level?: string; msg?: string; err?: { message?: string } } {
  try {
    return (JSON.parse(line) as object | null) ?? {};
  } catch {
    return {};
  }
}
