import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '@groundcrew/kit';
import * as z from 'zod';
import { replaceFile } from '../folder/index.ts';
import { Sha256State } from './sha256.ts';

/** A place where another runner can go on: it comes to the same masked byte, and to the same checksum. */
export const Checkpoint = z.object({
  rawOffset: z.number().int().nonnegative(),
  maskedOffset: z.number().int().nonnegative(),
  cutter: z.string().optional(),
  /** Of the masked bytes before it. */
  sha256: Sha256State,
});
export type Checkpoint = z.infer<typeof Checkpoint>;

/** Raw bytes that are left out because the disk was filling up; `notice` stands in the log instead. */
export const Drop = z.object({ from: z.number().int(), to: z.number().int(), notice: z.string() });
export type Drop = z.infer<typeof Drop>;

const Secrets = z.array(z.object({ name: z.string(), value: z.string() }));

/**
 * What a runner must know to mask the raw file exactly as its predecessor did. Holds secrets, as the raw file does, and
 * lies in the attempt's folder (0700) as that does.
 */
export const SpoolJournal = z.object({
  /** The secrets of the attempt, in the order in which they became known. */
  sets: z.array(z.object({ fromOffset: z.number().int(), secrets: Secrets })),
  drops: z.array(Drop),
  /** Oldest first; the raw bytes before the first one may be gone from the disk. Empty: all of them are there. */
  checkpoints: z.array(Checkpoint),
  /** What the tap needs to go on behind bytes that are gone. */
  tap: z.looseObject({ offset: z.number().int() }).optional(),
});
export type SpoolJournal = z.infer<typeof SpoolJournal>;

export interface JournalFile {
  readonly value: SpoolJournal;
  /** Whether nobody has written it before. */
  readonly isNew: boolean;
  /**
   * Changes the journal by what `change` makes of it. Once it resolves, the change outlives us; `isDurable`, true when not given,
   * also a power cut. Calls take turns.
   */
  change(change: (value: SpoolJournal) => Partial<SpoolJournal>, isDurable?: boolean): Promise<void>;
}

const EMPTY: SpoolJournal = { sets: [], drops: [], checkpoints: [] };

/** Opens the journal in the spool's folder. One that cannot be read is an error: masking without it could show a secret. */
export async function openJournal(folder: string): Promise<JournalFile> {
  const path = join(folder, 'journal.json');
  const bytes = existsSync(path) ? await readFile(path) : undefined;
  let value = bytes ? parseJournal(bytes, path) : EMPTY;
  let turn: Promise<unknown> = Promise.resolve();

  return {
    isNew: bytes === undefined,
    get value() {
      return value;
    },
    change(change, isDurable = true) {
      const next = turn.then(async () => {
        const changed = { ...value, ...change(value) };
        await (isDurable ? writeFileDurably : replaceFile)(path, JSON.stringify(changed));
        value = changed;
      });
      turn = next.catch(() => {});
      return next;
    },
  };
}

function parseJournal(bytes: Buffer, path: string): SpoolJournal {
  const parsed = SpoolJournal.safeParse(parseJson(bytes));
  if (parsed.success) return parsed.data;
  // The details would quote what is in it.
  throw new Error(
    `The log's journal ${path} is damaged. The log cannot be masked safely without it; end this attempt.`,
  );
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
