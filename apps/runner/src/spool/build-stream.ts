import { join } from 'node:path';
import { compilePatterns } from '../mask/index.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createFollower } from './follow.ts';
import { createGrowth } from './growth.ts';
import { createMaskedReader, type MaskedReader, type MaskedReaderOptions } from './masked-reader.ts';
import { DEFAULT_OVERFLOW } from './overflow.ts';
import { type CheckOverflow, createOverflowGuard } from './overflow-guard.ts';
import type { Pace } from './pace.ts';
import type { LogEnd } from './ports.ts';
import { createPuncher } from './punch.ts';
import { createScout, type Scout } from './scout.ts';
import { createLearner, type Learner } from './secrets.ts';
import { createSender, type Sender } from './sender.ts';
import { createSha256 } from './sha256.ts';
import { createSource } from './source.ts';
import type { Checkpoint, JournalFile } from './spool-journal.ts';
import type { LogStreamOptions } from './stream-options.ts';
import { createTrimmer, type Trimmer } from './trim.ts';
import { openWriteTimes } from './write-times.ts';

/** The parts of one stream, put together but not started. */
export interface StreamParts {
  readonly sender: Sender;
  readonly scout: Scout;
  readonly learner: Learner;
  readonly trimmer: Trimmer;
  readonly checkOverflow: CheckOverflow;
  /** From now on the masked stream is what it is: nothing is learned or dropped any more. */
  finish(): void;
  /** Masks what is left once more, for the whole log's length and checksum. */
  measure(): Promise<LogEnd>;
  close(): Promise<void>;
}

export interface OpenedJournal {
  readonly journal: JournalFile;
  /** Length of the raw file when this runner took it over from another: so much of it may have been sent. */
  readonly fixedOffset: number;
}

const START: Checkpoint = { rawOffset: 0, maskedOffset: 0, sha256: createSha256().state() };
const WINDOW_BYTES = 1024 * 1024;

export async function buildStream(
  options: LogStreamOptions,
  { journal, fixedOffset }: OpenedJournal,
  pace: Pace,
): Promise<StreamParts> {
  const { phase, rawPath, folder, append, createTap, createCutter, clock, random, logger } = options;
  const [first = START, ...more] = journal.value.checkpoints;
  const checkpoints = createCheckpoints([first, ...more]);
  const times = await openWriteTimes(join(folder, 'times'), clock.now);
  const findDrop = (rawOffset: number) => journal.value.drops.find(({ to }) => to > rawOffset);
  const patterns = compilePatterns(journal.value.sets);
  const masking = { times, createCutter, findDrop, fixedOffset };

  const follower = createFollower(rawPath, 0);
  const reader = createMaskedReader({ ...masking, follower, patterns, start: checkpoints.newest() });
  const source = createSource({ reader, checkpoints, windowBytes: WINDOW_BYTES, now: clock.now });
  const learner = createLearner({ journal, reader, source, patterns });

  const tap = createTap?.(journal.value.tap);
  const scoutFollower = createFollower(rawPath, journal.value.tap?.offset ?? 0);
  const scoutGrowth = createGrowth(rawPath, () => scout.look());
  const scout: Scout = createScout({ follower: scoutFollower, growth: scoutGrowth, times, tap, logger });
  const seen = () => tap?.snapshot() ?? { offset: scoutFollower.position() };

  const puncher = createPuncher(rawPath, logger);
  const onError = (err: unknown) => logger.warn({ phase, err }, 'sent parts of the log stay on the disk for now');
  const trimmer = createTrimmer({ checkpoints, journal, puncher, seen, onError });
  const limits = { ...DEFAULT_OVERFLOW, ...options.limits };
  let isFinished = false;
  const checkOverflow = createOverflowGuard({
    ...{ rawPath, source, reader, journal, puncher, seen, limits, logger },
    isFinished: () => isFinished,
  });

  const growth = createGrowth(rawPath, () => sender.look());
  const sender: Sender = createSender({
    ...{ phase, append, source, growth, pace, clock, random, logger },
    compress: options.compress ?? true,
    onSaved(offset) {
      times.forgetBefore(reader.checkpoint().rawOffset);
      trimmer.acknowledged(offset);
      options.onSuccess?.();
    },
  });

  return {
    sender,
    scout,
    learner,
    trimmer,
    checkOverflow,
    finish() {
      isFinished = true;
      for (const each of [follower, scoutFollower]) each.finish();
      for (const each of [sender, scout]) each.look();
    },
    async measure() {
      // Behind whatever is being learned or dropped just now.
      const start = await source.exclusively(async () => reader.checkpoint());
      return measureRest(rawPath, { ...masking, patterns: learner.patterns(), start });
    },
    async close() {
      for (const each of [growth, scoutGrowth]) each.close();
      await Promise.all([follower.close(), scoutFollower.close(), trimmer.settled()]);
    },
  };
}

async function measureRest(rawPath: string, options: Omit<MaskedReaderOptions, 'follower'>): Promise<LogEnd> {
  const follower = createFollower(rawPath, 0);
  follower.finish();
  try {
    return await readToEnd(createMaskedReader({ ...options, follower }));
  } finally {
    await follower.close();
  }
}

async function readToEnd(reader: MaskedReader): Promise<LogEnd> {
  while (await reader.read()) {
    // Only the count and the checksum are wanted.
  }
  return { length: reader.maskedOffset(), checksum: reader.digest() };
}
