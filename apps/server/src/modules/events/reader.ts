import type { Clock, Logger } from '@groundcrew/kit';
import type { Bus } from '../../platform/bus/index.ts';
import type { Executor } from '../../platform/database/index.ts';
import type { StoredEvent } from './event.ts';
import { createGaps } from './gaps.ts';
import { findNewestSeq, listNewEvents } from './store.ts';

export interface EventReaderDeps {
  db: Executor;
  bus: Bus;
  clock: Clock;
  logger: Logger;
  /** Backstop for a lost wake-up; 2 s when not given. */
  pollMs?: number;
}

/** Wake-ups travel on this channel; the events themselves are always read from the table. */
export const EVENTS_CHANNEL = 'events';
const BATCH = 500;
/** Events come in bursts; a burst is read once. */
const GATHER_MS = 15;
/** Longer than any transaction of ours lives. */
const GAP_LIFE_MS = 90_000;
const MOST_GAPS = 1_000;

export type EventListener = (events: readonly StoredEvent[]) => void;

/**
 * The one reader of events on this replica: reads what is new, once, for all who follow. Runs only while somebody does.
 */
export function createEventReader({ db, bus, clock, logger, pollMs = 2_000 }: EventReaderDeps) {
  const listeners = new Set<EventListener>();
  const gaps = createGaps(GAP_LIFE_MS, MOST_GAPS);
  let cursor = 0;
  let starting: Promise<void> | undefined;
  let stop: (() => void) | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let reading = false;
  let again = false;

  async function start(): Promise<void> {
    cursor = await findNewestSeq(db);
    gaps.clear();
    const unsubscribe = bus.subscribe(EVENTS_CHANNEL, gather);
    const timer = setInterval(() => void read(), pollMs);
    stop = () => {
      unsubscribe();
      clearInterval(timer);
      clearTimeout(gathering);
      gathering = undefined;
    };
    if (listeners.size === 0) rest();
  }

  function rest(): void {
    stop?.();
    stop = undefined;
    starting = undefined;
  }

  function gather(): void {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      void read();
    }, GATHER_MS);
  }

  /** One read at a time; wake-ups during a read make one more, however many came. */
  async function read(): Promise<void> {
    again = true;
    if (reading) return;
    reading = true;
    try {
      while (again) {
        again = false;
        await readNew();
      }
    } catch (error) {
      logger.warn({ err: error }, 'reading events failed; the next wake-up tries again');
    } finally {
      reading = false;
    }
  }

  async function readNew(): Promise<void> {
    const events = await listNewEvents(db, cursor, gaps.list(clock.now()), BATCH);
    for (const { seq } of events) {
      gaps.saw(seq, cursor, clock.now());
      cursor = Math.max(cursor, seq);
    }
    if (events.length > 0) for (const listener of listeners) listener(events);
    if (events.length >= BATCH) again = true;
  }

  function leave(listener: EventListener): void {
    listeners.delete(listener);
    if (listeners.size === 0) rest();
  }

  return {
    /** Follows from now on; resolves with the number from which on nothing is missed, and the way to stop. */
    async follow(listener: EventListener): Promise<{ seq: number; leave: () => void }> {
      listeners.add(listener);
      starting ??= start();
      try {
        await starting;
      } catch (error) {
        leave(listener);
        throw error;
      }
      return { seq: cursor, leave: () => leave(listener) };
    },
    close(): void {
      listeners.clear();
      rest();
    },
  };
}
export type EventReader = ReturnType<typeof createEventReader>;
