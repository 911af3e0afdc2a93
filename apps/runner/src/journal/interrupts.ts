import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfExists } from '@groundcrew/kit';

/** A signal to a command of Terraform's, written down before it is sent: too many lose resources, and only the journal counts them. */
export interface Interrupt {
  command: string;
  signal: 'SIGINT' | 'SIGKILL';
  /** Milliseconds since the epoch. */
  at: number;
}

const FILE = 'interrupts';

/** Reads the file of interrupts, one a line. A last line that was cut off was never sent. @internal */
export function parseInterrupts(content: string): Interrupt[] {
  return content.split('\n').slice(0, -1).flatMap(findInterrupt);
}

function findInterrupt(line: string): Interrupt[] {
  try {
    const { command, signal, at } = JSON.parse(line) as Interrupt;
    return typeof command === 'string' && typeof at === 'number' && (signal === 'SIGINT' || signal === 'SIGKILL')
      ? [{ command, signal, at }]
      : [];
  } catch {
    return [];
  }
}

/** All interrupts of the attempt, in order. */
export async function readInterrupts(journalDir: string): Promise<Interrupt[]> {
  const content = await readFileIfExists(join(journalDir, FILE));
  return parseInterrupts(content?.toString('utf8') ?? '');
}

/** Writes an interrupt down; it may be sent once this resolves. */
export async function addInterrupt(journalDir: string, interrupt: Interrupt): Promise<void> {
  // A line that was cut off before stays a line of its own.
  await appendFile(join(journalDir, FILE), `\n${JSON.stringify(interrupt)}\n`, { mode: 0o600 });
}
