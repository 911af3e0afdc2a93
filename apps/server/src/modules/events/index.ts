import type { Clock, Logger } from '@groundcrew/kit';
import type { Bus } from '../../platform/bus/index.ts';
import { afterCommit, type Database, type Executor } from '../../platform/database/index.ts';
import type { Credential, UserIdentity } from '../../platform/http/index.ts';
import type { SocketHub } from '../../platform/sockets/index.ts';
import type { NewEvent } from './event.ts';
import { createEventReader, EVENTS_CHANNEL } from './reader.ts';
import { registerEventSocket } from './socket.ts';
import { deleteOldEvents, insertEvent, insertEvents } from './store.ts';

export type { EventNoun } from './event.ts';

/** Events are kept for a week; who was away for longer reads the lists anew. */
const EVENT_LIFE_SECONDS = 7 * 86_400;

/** Writes an event within the transaction of the change it tells of, and wakes the followers once that is committed. */
export type Emit = (tx: Executor, event: NewEvent) => Promise<void>;

export const createEmit =
  (bus: Bus): Emit =>
  async (tx, event) => {
    await insertEvent(tx, event);
    afterCommit(tx, () => bus.publish(EVENTS_CHANNEL, event.organizationId));
  };

/** As {@link Emit}, for many at once. */
export type EmitMany = (tx: Executor, events: readonly NewEvent[]) => Promise<void>;

export const createEmitMany =
  (bus: Bus): EmitMany =>
  async (tx, events) => {
    await insertEvents(tx, events);
    for (const id of new Set(events.map(({ organizationId }) => organizationId)))
      afterCommit(tx, () => bus.publish(EVENTS_CHANNEL, id));
  };

export interface EventsDeps {
  db: Database;
  bus: Bus;
  hub: SocketHub;
  clock: Clock;
  logger: Logger;
  findUser: (credential: Credential) => Promise<UserIdentity | undefined>;
}

/** What happened, for consoles that follow it. */
export function createEventsModule({ db, bus, hub, clock, logger, findUser }: EventsDeps) {
  const reader = createEventReader({ db, bus, clock, logger });
  registerEventSocket({ db, hub, reader, logger, findUser });
  return {
    /** Removes what nobody will ask for any more; for a loop. */
    sweep: (): Promise<void> => deleteOldEvents(db, EVENT_LIFE_SECONDS),
    close: (): void => reader.close(),
  };
}
