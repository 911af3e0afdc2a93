import { open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '@groundcrew/kit';
import { findSize } from './follow.ts';
import type { MaskedReader } from './masked-reader.ts';
import { dropNotice, findOverflow, type OverflowLimits } from './overflow.ts';
import type { TapSnapshot } from './ports.ts';
import type { Puncher } from './punch.ts';
import type { Source } from './source.ts';
import type { JournalFile } from './spool-journal.ts';

export interface OverflowGuardOptions {
  readonly rawPath: string;
  readonly source: Pick<Source, 'exclusively'>;
  readonly reader: Pick<MaskedReader, 'fixedOffset'>;
  readonly journal: JournalFile;
  readonly puncher: Puncher;
  /** Raw bytes before its offset have been read by whoever reads along. */
  readonly seen: () => TapSnapshot;
  /** Whether the log may have been measured: then nothing is dropped any more. It does not grow any more either. */
  readonly isFinished: () => boolean;
  readonly limits: OverflowLimits;
  readonly logger: Logger;
}

/** Looks whether the raw file must be cut short, and does it: in the journal first, then on the disk. */
export type CheckOverflow = () => Promise<void>;

const LINE_SEARCH_BYTES = 1024 * 1024;

export function createOverflowGuard(options: OverflowGuardOptions): CheckOverflow {
  const { rawPath, source, reader, journal, puncher, seen, isFinished, limits, logger } = options;

  async function drop(from: number, to: number): Promise<void> {
    const tap = seen();
    if (isFinished() || to <= from || tap.offset < to) return;
    await journal.change(({ drops }) => ({
      // A drop that the reader has not come to yet grows.
      drops: [...drops.filter((old) => old.to <= from), { from, to, notice: dropNotice(to - from) }],
      tap: { ...tap },
    }));
    logger.warn({ from, to }, 'the log waits for the server and fills the disk: a part of it is dropped');
    await puncher.punch(from, to);
  }

  return async () => {
    const rawLength = await findSize(rawPath);
    const freeBytes = await freeBytesAt(rawPath);
    const rawOffset = Math.max(reader.fixedOffset(), journal.value.drops.at(-1)?.to ?? 0);
    const to = findOverflow({ rawOffset, rawLength, freeBytes }, limits);
    if (to === undefined) return;
    const lineStart = await findLineStart(rawPath, to);
    await source.exclusively(() => drop(reader.fixedOffset(), lineStart));
  };
}

async function freeBytesAt(path: string): Promise<number | undefined> {
  const figures = await statfs(dirname(path)).catch(() => undefined);
  return figures && figures.bavail * figures.bsize;
}

/** The first start of a line at or behind the offset; the offset itself when no line ends near. */
async function findLineStart(path: string, offset: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LINE_SEARCH_BYTES), 0, LINE_SEARCH_BYTES, offset);
    return offset + buffer.subarray(0, bytesRead).indexOf('\n') + 1;
  } finally {
    await file.close();
  }
}
