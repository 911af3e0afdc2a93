import { AsyncLocalStorage } from 'node:async_hooks';
import { backOffMs, type Clock, type Logger, newId, type Random, systemClock, systemRandom } from '@groundcrew/kit';
import { connect, type DatabaseAddress, type Session } from '../database/index.ts';
import { packWakeUps, unpackWakeUps } from './wake-up-batch.ts';

export interface NotifyLinkOptions {
  address: DatabaseAddress;
  logger: Logger;
  clock?: Clock;
  random?: Random;
  /** Another replica sent a wake-up. */
  onWakeUp: (channel: string, id: string) => void;
  /** Connected, for the first time or again: what others sent before was not heard. */
  onLinked: () => void;
}

export interface NotifyLink {
  start(): Promise<void>;
  send(channel: string, id: string): void;
  close(): Promise<void>;
}

/** PostgreSQL's channel; wake-ups name their own channel inside. */
const CHANNEL = 'groundcrew';
const PAUSE = { baseMs: 100, capMs: 5_000 };

/**
 * The session that hears other replicas and speaks to them. NOTIFY takes a lock on the whole database when it commits, so
 * there is one writer per replica, and what comes up while it writes goes out together. Without a session wake-ups are dropped.
 */
export function createNotifyLink(options: NotifyLinkOptions): NotifyLink {
  const { address, logger, clock = systemClock, random = systemRandom, onWakeUp, onLinked } = options;
  const replica = newId('replica');
  const closing = new AbortController();
  const linked = Promise.withResolvers<void>();
  const inOwnContext = AsyncLocalStorage.snapshot();
  const pending = new Map<string, readonly [string, string]>();
  let session: Session | undefined;
  let sending = false;
  let running: Promise<void> | undefined;

  async function keepLinked(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; ) {
      try {
        await linkOnce(() => {
          failures = 0;
        });
      } catch (error) {
        failures += 1;
        logger.warn({ err: error }, 'Wake-ups of other replicas do not arrive at the moment; polling goes on.');
      }
      if (!closing.signal.aborted)
        await clock.sleep(backOffMs(Math.max(1, failures), PAUSE, random), closing.signal).catch(() => {});
    }
  }

  /** Connects, listens, and resolves when the session has ended. */
  async function linkOnce(onSuccess: () => void): Promise<void> {
    const opened = await connect(address, 'bus', { statementTimeoutMs: 10_000 });
    const ended = new Promise<void>((resolve) => opened.once('end', resolve));
    try {
      opened.on('notification', ({ payload = '' }) => {
        for (const [channel, id] of unpackWakeUps(payload, replica)) onWakeUp(channel, id);
      });
      await opened.query(`LISTEN ${CHANNEL}`);
      onSuccess();
      session = opened;
      linked.resolve();
      onLinked();
      if (closing.signal.aborted) return;
      await ended;
    } finally {
      session = undefined;
      pending.clear();
      await opened.end().catch(() => {});
    }
  }

  function send(channel: string, id: string): void {
    if (session === undefined) return;
    pending.set(JSON.stringify([channel, id]), [channel, id]);
    if (sending) return;
    sending = true;
    setImmediate(() => inOwnContext(() => void flush()));
  }

  async function flush(): Promise<void> {
    try {
      while (session !== undefined && pending.size > 0) {
        const payloads = packWakeUps(replica, pending.values());
        pending.clear();
        await session.query({
          name: 'notify',
          text: `SELECT pg_notify('${CHANNEL}', unnest($1::text[]))`,
          values: [payloads],
        });
      }
    } catch (error) {
      logger.debug({ err: error }, 'Wake-ups for other replicas were lost.');
    } finally {
      sending = false;
    }
  }

  return {
    start() {
      running ??= keepLinked();
      return linked.promise;
    },
    send,
    async close() {
      closing.abort();
      await session?.end().catch(() => {});
      await running;
      linked.resolve();
    },
  };
}
