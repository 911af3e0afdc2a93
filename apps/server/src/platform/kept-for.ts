export interface KeptForOptions {
  /** How long what was read is good enough. */
  keepMs: number;
  /** How long anybody waits for a reading. */
  waitMs: number;
  onFailure: (error: unknown) => void;
  now?: () => number;
}

/**
 * Reads at most once per `keepMs`, however many ask at once. A reading that fails or takes longer than `waitMs` is undefined for
 * everybody who asks meanwhile, and no other one is begun before it has ended: whoever is in trouble is not asked ever more.
 */
export function keptFor<T>(read: () => Promise<T>, options: KeptForOptions): () => Promise<T | undefined> {
  const { keepMs, waitMs, onFailure, now = Date.now } = options;
  let readAt = Number.NEGATIVE_INFINITY;
  let isReading = false;
  let kept: Promise<T | undefined> = Promise.resolve(undefined);

  async function readOnce(): Promise<T> {
    isReading = true;
    try {
      return await read();
    } finally {
      isReading = false;
    }
  }

  async function readInTime(): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`There was no answer within ${waitMs} ms.`)), waitMs);
    });
    try {
      return await Promise.race([readOnce(), late]);
    } catch (error) {
      onFailure(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  return () => {
    if (!isReading && now() - readAt >= keepMs) {
      readAt = now();
      kept = readInTime();
    }
    return kept;
  };
}
