import { type Clock, createLatch, createOutageLog, type Logger } from '@groundcrew/kit';
import type { DaemonHeartbeat } from '@groundcrew/protocol';

/** One way to a daemon on this host. */
export interface DaemonChannel {
  /** Rejects when the heartbeat was not taken: no daemon, no answer in time, a refusal, garbage. */
  send(heartbeat: DaemonHeartbeat): Promise<void>;
  close(): void;
}

export interface DaemonLinkDeps {
  channel: DaemonChannel;
  /** For the log: where the daemon is. */
  where: string;
  heartbeat: () => DaemonHeartbeat;
  intervalMs: () => number;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

/** Heartbeats to a daemon. It only watches: one that is away, slow or confused is told of in the log and disturbs nothing. */
export function createDaemonLink({ channel, where, heartbeat, intervalMs, clock, logger, signal }: DaemonLinkDeps) {
  const sentences = {
    trouble: `the daemon at ${where} took no heartbeat; the work goes on`,
    recovery: `the daemon at ${where} takes heartbeats again`,
  };
  const outage = createOutageLog({ clock, logger, ...sentences });
  const latch = createLatch();
  let last: Promise<void> = Promise.resolve();

  /** One at a time, so that a daemon that is slow never has a queue of them. */
  function send(): Promise<void> {
    last = last.then(async () => channel.send(heartbeat())).then(outage.worked, outage.failed);
    return last;
  }

  return {
    /** Its status has changed. */
    nudge: (): void => latch.wake(),
    async keepSending(): Promise<void> {
      while (!signal.aborted) {
        await send();
        await latch.next(intervalMs(), signal);
      }
    },
    /** A last one, and away. */
    async close(): Promise<void> {
      await send();
      channel.close();
    },
  };
}
export type DaemonLink = ReturnType<typeof createDaemonLink>;
