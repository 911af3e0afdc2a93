import { mkdirSync } from 'node:fs';
import type { Clock } from '@groundcrew/kit';
import type { Secret } from '../mask/index.ts';
import { buildStream, type StreamParts } from './build-stream.ts';
import { findSize } from './follow.ts';
import { DEFAULT_OVERFLOW } from './overflow.ts';
import { DEFAULT_PACE, type Pace } from './pace.ts';
import type { LogEnd } from './ports.ts';
import { keepSecrets } from './secrets.ts';
import { openJournal } from './spool-journal.ts';
import type { LogStreamOptions } from './stream-options.ts';

/**
 * One log on its way: follows the raw file, masks it, sends it by offset, and gives what was sent back to the disk.
 *
 * Open it, tell it secrets as they become known, call `finish` when the writer is dead, then `measure` for the exit
 * record and `delivered` for the end. A runner that dies at any moment is followed by one that opens the same folder and
 * goes on at the same masked byte. Calls may overlap.
 */
export interface LogStream {
  /**
   * Masks these too, in everything that is written from now on; what was written before is masked as far as no runner
   * can have sent it. Resolves when that holds and is on disk. Rejects when the disk takes nothing (it holds all the
   * same, but a successor will not know) and after `finish`.
   */
  addSecrets(secrets: readonly Secret[]): Promise<void>;
  /** Names of secrets that are too short to be masked. */
  unmaskable(): readonly string[];
  /** Somebody watches, or nobody does any more. */
  setWatched(watched: boolean): void;
  /** What the server asks for: milliseconds between sends. The last word, this or `setWatched`, counts. */
  setIntervalMs(ms: number): void;
  /** The server was heard of: ends a pause after a failure, unless the server asked for that pause. */
  wake(): void;
  /** The writer is known to be dead: what stands in the raw file now is all. */
  finish(): void;
  /**
   * Length and checksum of the whole masked log, without waiting for the server; the tap has seen everything by then.
   * Refused before `finish`.
   */
  measure(): Promise<LogEnd>;
  /** Resolves when the server has everything. Rejects with LogLostError, or with AbortError after `stop`. */
  delivered(): Promise<LogEnd>;
  /** Leaves everything as it is for a successor. */
  stop(): Promise<void>;
}

/** Opens the stream and starts sending. Throws when its journal is damaged or its folder cannot be written. */
export async function openLogStream(options: LogStreamOptions): Promise<LogStream> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const journal = await openJournal(options.folder);
  const fixedOffset = journal.isNew ? 0 : await findSize(options.rawPath);
  // What is learned on the way is durable: the beginning may be lost with the machine, but never alone.
  const { isDurable = true } = options;
  await keepSecrets(journal, options.secrets, fixedOffset, isDurable || !journal.isNew);
  const pace = { ...DEFAULT_PACE, ...options.pace };
  const parts = await buildStream(options, { journal, fixedOffset }, pace);
  return startStream(parts, { pace, clock: options.clock, ...DEFAULT_OVERFLOW, ...options.limits });
}

interface Rhythm {
  readonly pace: Pace;
  readonly clock: Clock;
  readonly checkEveryMs: number;
}

function startStream(parts: StreamParts, { pace, clock, checkEveryMs }: Rhythm): LogStream {
  const { sender, scout, learner } = parts;
  const stopping = new AbortController();
  const { signal } = stopping;
  let isFinished = false;
  let measured: Promise<LogEnd> | undefined;

  const scouted = scout.run(signal);
  const guarded = guardDisk();
  const delivery = deliver();
  // Whoever waits for it is told; nobody has to wait.
  delivery.catch(() => {});

  async function guardDisk(): Promise<void> {
    while (!signal.aborted && !isFinished) {
      await parts.checkOverflow().catch(() => {});
      await clock.sleep(checkEveryMs, signal).catch(() => {});
    }
  }

  async function deliver(): Promise<LogEnd> {
    await sender.run(signal);
    signal.throwIfAborted();
    const end = await measure();
    await close();
    return end;
  }

  async function measureOnce(): Promise<LogEnd> {
    await scouted;
    signal.throwIfAborted();
    return parts.measure();
  }

  async function measure(): Promise<LogEnd> {
    if (!isFinished) throw new Error('A log can be measured only when its writer is finished.');
    measured ??= measureOnce();
    return measured;
  }

  async function close(): Promise<void> {
    stopping.abort(new DOMException('The log stream was stopped.', 'AbortError'));
    await Promise.all([scouted, guarded]);
    await parts.close();
  }

  return {
    async addSecrets(secrets) {
      if (isFinished)
        throw new Error('A log whose writer is finished learns no more secrets: it may be measured already.');
      await learner.addSecrets(secrets);
    },
    unmaskable: () => learner.patterns().unmaskable,
    setWatched: (watched) => sender.setIntervalMs(watched ? pace.watchedIntervalMs : pace.quietIntervalMs),
    setIntervalMs: sender.setIntervalMs,
    wake: sender.wake,
    finish() {
      isFinished = true;
      parts.finish();
    },
    measure,
    delivered: () => delivery,
    async stop() {
      stopping.abort(new DOMException('The log stream was stopped.', 'AbortError'));
      await delivery.catch(() => {});
      await close();
    },
  };
}
