import { type Client, ConnectionError } from '@groundcrew/client';
import { createLatch } from '@groundcrew/kit';
import { EventFrame, SOCKETS } from '@groundcrew/protocol';

/** Waits for things to become so, woken by the server's own events. */
export interface WakeUps {
  /**
   * The first value that `probe` gives; it is asked again after every event, and every 250 ms for what no event tells. Throws
   * after `timeoutMs`, naming `what`. A server that is away just now is asked again.
   */
  until<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, timeoutMs?: number): Promise<T>;
  close(): void;
}

const BACKSTOP_MS = 250;

/** @param explain what to add to the message of a wait that was in vain */
export function createWakeUps(client: Client, explain: () => string): WakeUps {
  const waiting = new Set<() => void>();
  const socket = client.socket({
    path: SOCKETS.events,
    parse: (json) => EventFrame.parse(json),
    onMessage: () => {
      for (const wake of waiting) wake();
    },
    backOff: { baseMs: 50, capMs: 500 },
  });

  return {
    async until(what, probe, timeoutMs = 30_000) {
      const latch = createLatch();
      waiting.add(latch.wake);
      const deadline = performance.now() + timeoutMs;
      try {
        for (;;) {
          const value = await probeOnce(probe);
          if (value !== undefined) return value;
          if (performance.now() > deadline)
            throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}.\n${explain()}`);
          await latch.next(BACKSTOP_MS);
        }
      } finally {
        waiting.delete(latch.wake);
      }
    },
    close: () => socket.close(),
  };
}

async function probeOnce<T>(probe: () => Promise<T | undefined> | T | undefined): Promise<T | undefined> {
  try {
    return await probe();
  } catch (error) {
    if (error instanceof ConnectionError) return undefined;
    throw error;
  }
}
