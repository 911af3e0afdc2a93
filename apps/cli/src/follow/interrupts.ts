import type { Io } from '../terminal/io.ts';

/** Turns SIGINT and SIGTERM into something a loop can wait for beside its work. */
export interface Interrupts {
  /** Resolves at the next signal, or at once if one came that nobody has seen. */
  next(): Promise<'interrupted'>;
  close(): void;
}

export function listenForInterrupts(io: Io): Interrupts {
  let unseen = 0;
  let wake = () => {};
  const onSignal = () => {
    unseen += 1;
    wake();
  };
  const stops = [io.onSignal('SIGINT', onSignal), io.onSignal('SIGTERM', onSignal)];
  return {
    async next() {
      while (unseen === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      unseen -= 1;
      return 'interrupted';
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}
