import { backOffMs, type Clock, createLatch, type Logger, type Random } from '@groundcrew/kit';
import type { Phase } from '@groundcrew/protocol';
import type { Growth } from './growth.ts';
import { dueInMs, isWatched, type Pace } from './pace.ts';
import { packBatch } from './pack.ts';
import type { AppendLog } from './ports.ts';
import { settleAnswer, type Verdict } from './settle.ts';
import type { Source } from './source.ts';

export interface SenderOptions {
  readonly phase: Phase;
  readonly append: AppendLog;
  readonly source: Source;
  /** Tells the sender's `look`. */
  readonly growth: Pick<Growth, 'arm'>;
  readonly pace: Pace;
  /** Whether chunks are compressed; a server on the same host is better off without. */
  readonly compress: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The server has everything before the offset. */
  readonly onSaved: (offset: number) => void;
}

/**
 * Brings one stream to the server: one request at a time, without end, until the server has everything or `signal` aborts.
 *
 * Nothing the server says or does not say ends it: refusals, silence and wrong answers are tried again with growing,
 * jittered pauses of at most 5 s, longer only when the server asks for more.
 */
export interface Sender {
  /**
   * Resolves when the server has everything, or when the signal aborts. Throws only LogLostError: the server asks for
   * bytes that it had acknowledged and that are gone from the disk.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Milliseconds between sends from now on; 250 or less means that somebody watches. */
  setIntervalMs(ms: number): void;
  /** Something was written, or the writer ended: have a look. */
  look(): void;
  /** The server was heard of: a pause that it did not ask for ends. */
  wake(): void;
}

/** The server has forgotten bytes that it had acknowledged, and they are gone from the disk. @internal */
export class LogLostError extends Error {
  override readonly name = 'LogLostError';
}

const MAX_BATCH_BYTES = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const BACK_OFF = { baseMs: 200, capMs: 5_000 };
/** How often the file is looked at without being told, and while a batch gathers. */
const POLL_MS = 1_000;
const WATCHED_POLL_MS = 100;
const GATHER_LOOK_MS = 250;

export function createSender(options: SenderOptions): Sender {
  const { phase, append, source, growth, pace, compress, clock, random, logger, onSaved } = options;
  const work = createLatch();
  let comfort = createLatch();
  let intervalMs = pace.quietIntervalMs;
  let lastSentAt = 0;
  let failures = 0;

  async function idle(signal: AbortSignal): Promise<void> {
    growth.arm();
    await source.fill();
    if (source.bytes() > 0 || source.ended()) return;
    await work.next(isWatched(intervalMs) ? WATCHED_POLL_MS : POLL_MS, signal);
  }

  async function pause(retryAfterMs: number, signal: AbortSignal): Promise<void> {
    // What was heard of the server before it failed is no comfort.
    comfort = createLatch();
    const pauseMs = backOffMs(failures, BACK_OFF, random);
    if (retryAfterMs > 0) await clock.sleep(retryAfterMs, signal).catch(() => {});
    if (pauseMs > retryAfterMs) await comfort.next(pauseMs - retryAfterMs, signal);
  }

  async function offer(signal: AbortSignal): Promise<Verdict> {
    const batch = source.peek(MAX_BATCH_BYTES);
    const chunk = await packBatch(phase, batch, compress);
    try {
      const answer = await append(chunk, AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]));
      if (answer.kind === 'saved' && answer.intervalMs !== undefined) intervalMs = answer.intervalMs;
      return settleAnswer(answer, batch.offset);
    } catch (error) {
      return { kind: 'again', reason: error instanceof Error ? error.message : String(error), retryAfterMs: 0 };
    }
  }

  async function rewind(to: number, signal: AbortSignal): Promise<void> {
    failures += 1;
    logger.warn({ phase, to }, 'the server has less of the log than it acknowledged; sending that again');
    if (!(await source.rewind(to))) {
      throw new LogLostError(
        `The server has only ${to} bytes of the ${phase} log left; what it had acknowledged behind them is gone from this host.`,
      );
    }
    if (failures > 1) await pause(0, signal);
  }

  async function obey(verdict: Verdict, signal: AbortSignal): Promise<void> {
    if (verdict.kind === 'rewind') return rewind(verdict.to, signal);
    if (verdict.kind === 'again') {
      failures += 1;
      logger.debug({ phase, failures, reason: verdict.reason }, 'log not taken; trying again');
      return pause(verdict.retryAfterMs, signal);
    }
    if (verdict.differs)
      logger.warn({ phase, to: verdict.to }, 'the server has other bytes than these; going on behind them');
    failures = 0;
    source.acknowledge(verdict.to);
    onSaved(verdict.to);
  }

  async function deliver(signal: AbortSignal): Promise<void> {
    lastSentAt = clock.now();
    // What comes meanwhile is masked meanwhile; a file that cannot be read shows itself at the next turn.
    const [verdict] = await Promise.all([offer(signal), source.fill().catch(() => {})]);
    if (!signal.aborted) await obey(verdict, signal);
  }

  function dueMs(): number | undefined {
    const state = { now: clock.now(), bytes: source.bytes(), waitingSince: source.waitingSince(), lastSentAt };
    return dueInMs({ ...state, intervalMs, ended: source.ended() }, pace.batchBytes);
  }

  async function step(signal: AbortSignal): Promise<void> {
    const due = dueMs();
    if (due === undefined) await idle(signal);
    else if (due > 0) await work.next(Math.min(due, GATHER_LOOK_MS), signal);
    else await deliver(signal);
    await source.fill();
  }

  async function stepSafely(signal: AbortSignal): Promise<void> {
    try {
      await step(signal);
    } catch (error) {
      if (error instanceof LogLostError) throw error;
      failures += 1;
      logger.error({ phase, err: error }, 'the log cannot be read; trying again');
      await pause(0, signal);
    }
  }

  return {
    async run(signal) {
      await source.fill().catch(() => {});
      while (!signal.aborted && !(source.ended() && source.bytes() === 0)) await stepSafely(signal);
    },
    setIntervalMs(ms) {
      intervalMs = ms;
      work.wake();
    },
    look: work.wake,
    wake: () => comfort.wake(),
  };
}
