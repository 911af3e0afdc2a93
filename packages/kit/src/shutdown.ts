import { type Clock, systemClock } from './clock.ts';

export interface ShutdownOptions {
  /** How long all closers together may take; `Infinity` waits for ever. */
  deadlineMs: number;
  /** Signals that ask us to leave; SIGTERM and SIGINT when not given. */
  signals?: readonly NodeJS.Signals[];
  /** Called for signals after the first; a terminal's user who presses Ctrl-C twice wants out. */
  onSecondSignal?: (signal: NodeJS.Signals) => void;
  /** A closer failed; the others are still called. */
  onError?: (name: string, error: unknown) => void;
  clock?: Clock;
}

/** One Ctrl-C can arrive several times: from the terminal, and forwarded by npm and whatever else stands in between. */
const SAME_KEYPRESS_MS = 500;

export interface ShutdownOutcome {
  /** The signal, or the reason given to `request`. */
  reason: string;
  /** Names of closers that failed or did not end before the deadline. */
  unclosed: string[];
}

export interface Shutdown {
  /** Aborts when leaving begins, for whatever waits. */
  readonly signal: AbortSignal;
  /**
   * Adds something to close. What came last is closed first, one after the other. Start-up code looks at `signal` between its
   * steps: what is added after `closed` is left to the caller.
   */
  onClose(name: string, close: () => unknown): void;
  /** Begins to leave, as a signal would; the first reason counts. */
  request(reason: string): void;
  /** Resolves when everything is closed or the deadline is over; leaving the process is the caller's. */
  readonly closed: Promise<ShutdownOutcome>;
}

/** Listens for signals and, on the first one, closes what was added, latest first. One per process, made in its `main.ts`. */
export function createShutdown(options: ShutdownOptions): Shutdown {
  const { signals = ['SIGTERM', 'SIGINT'], clock = systemClock } = options;
  const closers: Closer[] = [];
  const leaving = new AbortController();
  const { promise: closed, resolve } = Promise.withResolvers<ShutdownOutcome>();

  async function request(reason: string): Promise<void> {
    if (leaving.signal.aborted) return;
    leaving.abort(new Error(`leaving: ${reason}`));
    const unclosed = await closeBefore(closers, options, clock);
    for (const name of signals) process.off(name, onSignal);
    resolve({ reason, unclosed: unclosed.map(({ name }) => name) });
  }
  let heardAtMs = Number.NEGATIVE_INFINITY;
  function onSignal(name: NodeJS.Signals): void {
    const isEcho = clock.now() - heardAtMs < SAME_KEYPRESS_MS;
    if (!isEcho) heardAtMs = clock.now();
    if (!leaving.signal.aborted) void request(name);
    else if (!isEcho) options.onSecondSignal?.(name);
  }
  for (const name of signals) process.on(name, onSignal);

  return {
    signal: leaving.signal,
    onClose: (name, close) => void closers.push({ name, close }),
    request: (reason) => void request(reason),
    closed,
  };
}

interface Closer {
  name: string;
  close: () => unknown;
}

/** Closes one after the other; gives those that failed, were not reached or had not ended at the deadline. */
async function closeBefore(closers: Closer[], options: ShutdownOptions, clock: Clock): Promise<Closer[]> {
  const failed: Closer[] = [];
  let current: Closer | undefined;
  async function closeAll(): Promise<void> {
    for (current = closers.pop(); current !== undefined; current = closers.pop()) {
      if (!(await closeOne(current, options))) failed.push(current);
    }
  }
  const done = new AbortController();
  await Promise.race([closeAll(), waitFor(options.deadlineMs, clock, done.signal)]);
  done.abort();
  return [...failed, ...(current ? [current] : []), ...closers.toReversed()];
}

async function closeOne({ name, close }: Closer, { onError }: ShutdownOptions): Promise<boolean> {
  try {
    await close();
    return true;
  } catch (error) {
    onError?.(name, error);
    return false;
  }
}

/** Never ends when `ms` is infinite. */
function waitFor(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return ms === Number.POSITIVE_INFINITY ? new Promise(() => {}) : clock.sleep(ms, signal).catch(() => {});
}
