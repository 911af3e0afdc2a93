import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { DatabaseAddress } from '../database/index.ts';
import type { Bus } from './bus.ts';
import { createLocalBus } from './local-bus.ts';
import { createNotifyLink } from './notify-link.ts';

/** A bus between replicas. */
interface LinkedBus extends Bus {
  /** Resolves when wake-ups of other replicas arrive for the first time; from then on it reconnects by itself. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface BusOptions {
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
