import type { Segment, StoredStream, StreamKey } from './log-stream.ts';

export interface TailDeps {
  findStream: (key: StreamKey) => Promise<StoredStream | undefined>;
  /** Reads the stored bytes from an offset on. */
  readSegments: (key: StreamKey, offset: number, bytes: number) => Promise<Segment[]>;
  /** Calls back whenever the stream may have grown or ended; gives the way to stop that. */
  subscribe: (wake: () => void) => () => void;
}

/** How much of the newest output is kept in memory for those who follow live. */
const RING_BYTES = 1024 * 1024;
const READ_BYTES = 512 * 1024;
/** Backstop for a wake-up that was lost between replicas. */
const LOOK_AGAIN_MS = 2_000;

/**
 * The one reader of a stream on this replica. Viewers ask it for what lies at their own cursor: whoever follows live is served
 * from the ring it filled with a single read, whoever is behind reads the store for themselves and costs nobody anything.
 */
export function createTail(opened: StoredStream, { findStream, readSegments, subscribe }: TailDeps) {
  let stream = opened;
  let ring: Segment[] = [];
  let end = opened.length;
  let isStale = false;
  let isReading = false;
  const listeners = new Set<() => void>();
  const unsubscribe = subscribe(refresh);
  const timer = setInterval(refresh, LOOK_AGAIN_MS);
  timer.unref();
  // What came between the look that found the stream and the subscription.
  refresh();

  /** One read at a time; a wake-up during a read makes one more, however many came. */
  function refresh(): void {
    isStale = true;
    if (!isReading) void readAll();
  }

  async function readAll(): Promise<void> {
    isReading = true;
    try {
      while (isStale) {
        isStale = false;
        await readNew();
      }
    } catch {
      // The store is away for a moment; the next wake-up or the timer reads again.
    } finally {
      isReading = false;
    }
  }

  /** The row goes first: what it calls the end is surely read by whoever has read that far. */
  async function readNew(): Promise<void> {
    const before = stream.complete;
    stream = (await findStream(stream)) ?? stream;
    while (end < stream.length) {
      const fresh = await readSegments(stream, end, READ_BYTES);
      const last = fresh.at(-1);
      if (last === undefined) break;
      ring = trimRing([...ring, ...fresh]);
      end = last.offset + last.length;
      tellAll();
    }
    if (stream.complete !== before) tellAll();
  }

  function tellAll(): void {
    for (const listener of listeners) listener();
  }

  return {
    /** The segments at the cursor: from the ring, or from the store when the cursor is older than that; empty at the end. */
    async at(cursor: number): Promise<Segment[]> {
      if (cursor >= end) return [];
      const index = ring.findIndex((segment) => segment.offset === cursor);
      return index < 0 ? readSegments(stream, cursor, READ_BYTES) : ring.slice(index);
    },
    /** The stream, once nothing will follow what whoever stands at the cursor has seen. */
    ended: (cursor: number): StoredStream | undefined =>
      stream.complete && cursor >= stream.length ? stream : undefined,
    /** Calls back whenever more was read or the stream has ended; gives the way to stop that. */
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close(): void {
      clearInterval(timer);
      unsubscribe();
    },
  };
}
export type Tail = ReturnType<typeof createTail>;

/** The newest segments, about {@link RING_BYTES} of them. */
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
export function createTails(open: (stream: StoredStream) => Tail) {
  const tails = new Map<string, { tail: Tail; users: number }>();
  return {
    acquire(stream: StoredStream): { tail: Tail; release: () => void } {
      const name = `${stream.attemptId}/${stream.phase}`;
      const entry = tails.get(name) ?? { tail: open(stream), users: 0 };
      entry.users += 1;
      tails.set(name, entry);
      return { tail: entry.tail, release: () => release(name, entry) };
    },
    /** How many streams are being followed. */
    get size() {
      return tails.size;
    },
  };

  function release(name: string, entry: { tail: Tail; users: number }): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    tails.delete(name);
    entry.tail.close();
  }
}
