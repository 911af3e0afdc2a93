import { type Clock, createLatch, createOutageLog, type Logger } from '@groundcrew/kit';

/** What came of an agent's heartbeats so far. */
export interface HeartbeatRecord {
  /** Answered ones. */
  readonly count: number;
  /** Unanswered ones. */
  readonly failures: number;
  readonly failedInARow: number;
  /** When the last answer came. */
  readonly lastAt: number | undefined;
}

export interface HeartbeatsDeps {
  /** Sends one and obeys the answer; rejects when there is none. */
  send: () => Promise<void>;
  intervalMs: () => number;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Called when one was answered, or not. */
  onChange: () => void;
}

/** Heartbeats to the server: at once, then regularly, and whenever there is something that it should know soon. */
export function createHeartbeats({ send, intervalMs, clock, logger, signal, onChange }: HeartbeatsDeps) {
  const sentences = { trouble: 'a heartbeat got no answer', recovery: 'heartbeats are answered again' };
  const outage = createOutageLog({ clock, logger, ...sentences });
  const latch = createLatch();
  let record: HeartbeatRecord = { count: 0, failures: 0, failedInARow: 0, lastAt: undefined };

  let last: Promise<void> = Promise.resolve();

  /** One after the other: of two on their way over HTTP the later one could arrive first, and the last word not be the last. */
  function beat(): Promise<void> {
    last = last.then(beatOnce);
    return last;
  }

  async function beatOnce(): Promise<void> {
    try {
      await send();
      record = { ...record, count: record.count + 1, failedInARow: 0, lastAt: clock.now() };
      outage.worked();
    } catch (error) {
      if (signal.aborted) return;
      record = { ...record, failures: record.failures + 1, failedInARow: record.failedInARow + 1 };
      outage.failed(error);
    }
    onChange();
  }

  return {
    record: (): HeartbeatRecord => record,
    /** Sends one now; one without an answer is noted. */
    beat,
    /** Has one sent soon by the loop, and the interval looked at anew. */
    nudge: (): void => latch.wake(),
    /** Until the agent leaves. */
    async keepBeating(): Promise<void> {
      while (!signal.aborted) {
        await beat();
        await latch.next(intervalMs(), signal);
      }
    },
  };
}
