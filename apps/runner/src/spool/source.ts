import type { Checkpoints } from './checkpoints.ts';
import type { MaskedReader } from './masked-reader.ts';
import { type Batch, createOutbox } from './outbox.ts';

/** The masked stream as the sender sees it: a bounded stretch of it in memory, the rest in the raw file. */
export interface Source {
  /** Reads and masks what is there, until the window is full. */
  fill(): Promise<void>;
  /** The oldest bytes the server does not have. */
  peek(maxBytes: number): Batch;
  /** The server has everything before the offset. */
  acknowledge(offset: number): void;
  /** Goes back to an offset that was acknowledged once; false when the raw bytes for that are given up. */
  rewind(offset: number): Promise<boolean>;
  /** Bytes in the window. */
  bytes(): number;
  /** When the oldest byte of the window came into it. */
  waitingSince(): number;
  /** Whether the window holds the last byte. */
  ended(): boolean;
  /** Runs `task` while nothing is read or masked. */
  exclusively<T>(task: () => Promise<T>): Promise<T>;
}

export interface SourceOptions {
  readonly reader: MaskedReader;
  readonly checkpoints: Checkpoints;
  readonly windowBytes: number;
  readonly now: () => number;
}

/** A batch does not gather bytes written further apart than this, so that lines keep about their own time. */
const BATCH_SPAN_MS = 10_000;

export function createSource({ reader, checkpoints, windowBytes, now }: SourceOptions): Source {
  const outbox = createOutbox(reader.maskedOffset());
  let waitingSince = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => {});
    return result;
  }

  async function fill(): Promise<void> {
    while (outbox.bytes() < windowBytes) {
      const piece = await reader.read();
      if (!piece) return;
      if (outbox.bytes() === 0) waitingSince = now();
      outbox.put(piece);
      checkpoints.offer(reader.checkpoint());
    }
  }

  return {
    exclusively,
    fill: () => exclusively(fill),
    peek: (maxBytes) => outbox.peek(maxBytes, BATCH_SPAN_MS),
    acknowledge(offset) {
      outbox.acknowledge(offset);
      waitingSince = now();
    },
    rewind: (offset) =>
      exclusively(async () => {
        const checkpoint = checkpoints.find(offset);
        if (!checkpoint) return false;
        reader.restart(checkpoint);
        outbox.reset(offset);
        return true;
      }),
    bytes: outbox.bytes,
    waitingSince: () => waitingSince,
    ended: reader.ended,
  };
}
