import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from '@groundcrew/kit';
import type { Bus } from './bus.ts';

/** The part of a bus inside one process; enough where there is one replica. */
interface LocalBus extends Bus {
  /** Tells every subscriber that wake-ups may have been lost. */
  tellMissed(): void;
}

interface Subscription {
  listener: (id: string) => void;
  onMissed: (() => void) | undefined;
}

export function createLocalBus(logger: Logger): LocalBus {
  const channels = new Map<string, Set<Subscription>>();
  const pending = new Map<string, Set<string>>();
  // Listeners must not run as part of whatever the publisher is in the middle of, a transaction for instance.
  const inOwnContext = AsyncLocalStorage.snapshot();

  function publish(channel: string, id: string): void {
    if (!channels.has(channel)) return;
    if (pending.size === 0) queueMicrotask(() => inOwnContext(deliver));
    const ids = pending.get(channel) ?? new Set();
    pending.set(channel, ids.add(id));
  }

  function deliver(): void {
    const wakeUps = [...pending];
    pending.clear();
    for (const [channel, ids] of wakeUps) {
      for (const id of ids) callAll(channel, (subscription) => subscription.listener(id));
    }
  }

  /** A listener that throws must not keep the others from hearing. */
  function callAll(channel: string, call: (subscription: Subscription) => void): void {
    for (const subscription of [...(channels.get(channel) ?? [])]) {
      try {
        call(subscription);
      } catch (error) {
        logger.error({ err: error, channel }, 'A listener on the bus failed.');
      }
    }
  }

  return {
    publish,
    subscribe(channel, listener, onMissed) {
      const subscription = { listener, onMissed };
      const all = channels.get(channel) ?? new Set();
      channels.set(channel, all.add(subscription));
      return () => {
        all.delete(subscription);
        if (all.size === 0 && channels.get(channel) === all) channels.delete(channel);
      };
    },
    tellMissed: () => {
      for (const channel of [...channels.keys()]) callAll(channel, (subscription) => subscription.onMissed?.());
    },
  };
}
