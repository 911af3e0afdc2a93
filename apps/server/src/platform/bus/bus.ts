import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { DatabaseAddress } from '../database/index.ts';
import { createLocalBus } from './local-bus.ts';
import { createNotifyLink } from './notify-link.ts';

/**
 * Wake-ups: "something about `id` may have changed". They carry no data, may come twice, and may be lost while a replica is
 * cut off; whoever waits for one also looks every two seconds, and always reads what is true from the database.
 */
export interface Bus {
  /**
   * Wakes subscribers of the channel: those in this process at once, those of other replicas within milliseconds. The same
   * wake-up many times in one go is delivered once. To be called after the commit of what it tells about.
   */
  publish(channel: string, id: string): void;
  /**
   * Calls `listener` with each id until the returned function is called. `onMissed` is called whenever wake-ups of other
   * replicas may have been lost, so that the caller looks by itself.
   */
  subscribe(channel: string, listener: (id: string) => void, onMissed?: () => void): () => void;
}

/** A bus between replicas. */
export interface LinkedBus extends Bus {
  /** Resolves when wake-ups of other replicas arrive for the first time; from then on it reconnects by itself. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface BusOptions {
  address: DatabaseAddress;
  logger: Logger;
  clock?: Clock;
  random?: Random;
}

/** A bus over PostgreSQL's LISTEN and NOTIFY, in a session of its own. Local delivery never waits for the database. */
export function createBus(options: BusOptions): LinkedBus {
  const local = createLocalBus(options.logger);
  const link = createNotifyLink({ ...options, onWakeUp: local.publish, onLinked: local.tellMissed });
  return {
    publish(channel, id) {
      local.publish(channel, id);
      link.send(channel, id);
    },
    subscribe: local.subscribe,
    start: link.start,
    close: link.close,
  };
}
