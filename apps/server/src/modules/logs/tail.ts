import type { Segment, StreamKey } from './log-stream.ts';

export interface TailDeps {
  /** Reads the stored bytes from an offset on. */
  readSegments: (key: StreamKey, offset: number, bytes: number) => Promise<Segment[]>;
  /** Calls back whenever something may have been appended; gives the way to stop that. */
  subscribe: (wake: () => void) => () => void;
}

/** How much of the newest output is kept in memory for those who follow live. */
const RING_BYTES = 1024 * 1024;
const READ_BYTES = 512 * 1024;

/**
 * The one reader of a stream on this replica. Viewers ask it for what lies at their own cursor: whoever follows live is served
 * from the ring it filled with a single read, whoever is behind reads the store for themselves and costs nobody anything.
 */
export function createTail(key: StreamKey, start: number, { readSegments, subscribe }: TailDeps) {
  let ring: Segment[] = [];
  let end = start;
  let reading: Promise<void> | undefined;
  let again = false;
  const listeners = new Set<() => void>();
  const unsubscribe = subscribe(() => void refresh());

  /** One read at a time; a wake-up during a read makes one more, however many came. */
  function refresh(): Promise<void> {
    if (reading !== undefined) {
      again = true;
      return reading;
    }
    reading = readNew().finally(() => {
      reading = undefined;
      if (again) {
        again = false;
        void refresh();
      }
    });
    return reading;
  }

  async function readNew(): Promise<void> {
    try {
      for (;;) {
        const fresh = await readSegments(key, end, READ_BYTES);
        const last = fresh.at(-1);
        if (last === undefined) break;
        ring = trimRing([...ring, ...fresh]);
        end = last.offset + last.length;
        for (const listener of listeners) listener();
      }
    } catch {
      // The store is away for a moment; the next wake-up or the viewers' own timer reads again.
    }
  }

  return {
    /** The segments at the cursor: from the ring, or from the store when the cursor is older than that; empty at the end. */
    async at(cursor: number): Promise<Segment[]> {
      const first = ring[0];
      if (cursor >= end) return [];
      if (first === undefined || cursor < first.offset) return readSegments(key, cursor, READ_BYTES);
      const index = ring.findIndex((segment) => segment.offset + segment.length > cursor);
      const from = ring[index];
      return from !== undefined && from.offset === cursor ? ring.slice(index) : readSegments(key, cursor, READ_BYTES);
    },
    /** Calls back whenever more was read; gives the way to stop that. */
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Reads now what a lost wake-up may have kept from us. */
    refresh,
    close: unsubscribe,
  };
}
export type Tail = ReturnType<typeof createTail>;

function trimRing(segments: Segment[]): Segment[] {
  let bytes = 0;
  let first = segments.length;
  while (first > 0 && bytes < RING_BYTES) {
    first -= 1;
    bytes += segments[first]?.content.length ?? 0;
  }
  return segments.slice(first);
}

/** Shares one {@link Tail} among all viewers of a stream and closes it with the last one. */
export function createTails<S extends StreamKey>(open: (stream: S) => Tail) {
  const tails = new Map<string, { tail: Tail; users: number }>();
  return {
    acquire(stream: S): { tail: Tail; release: () => void } {
      const name = `${stream.attemptId}/${stream.phase}`;
      const entry = tails.get(name) ?? { tail: open(stream), users: 0 };
      entry.users += 1;
      tails.set(name, entry);
      return {
        tail: entry.tail,
        release: () => {
          entry.users -= 1;
          if (entry.users > 0) return;
          tails.delete(name);
          entry.tail.close();
        },
      };
    },
  };
}
