import type { Logger } from '@groundcrew/kit';
import { type EventFrame, SOCKETS } from '@groundcrew/protocol';
import * as z from 'zod';
import type { Executor } from '../../platform/database/index.ts';
import { AppError, type Credential, type Rights, type UserIdentity } from '../../platform/http/index.ts';
import type { Connection, SocketHub } from '../../platform/sockets/index.ts';
import { isVisible, presentEvent, type StoredEvent } from './event.ts';
import type { EventReader } from './reader.ts';
import { listMissedEvents } from './store.ts';

export interface EventSocketDeps {
  db: Executor;
  hub: SocketHub;
  reader: EventReader;
  logger: Logger;
  /** Who brings this credential. */
  findUser: (credential: Credential) => Promise<UserIdentity | undefined>;
}

/** `after`: the `seq` of the last frame one has, to be told what came since. */
const EventSocketQuery = z.object({ after: z.coerce.number().int().nonnegative().optional() });

/** A number may have been handed out so long before its event is committed. */
const OVERLAP_SECONDS = 90;
const REPLAY_LIMIT = 5_000;

const NO_RIGHTS: Rights = { everywhere: new Set(), onWorkspaces: new Map() };

interface Follower {
  credential: Credential;
  /** With the rights of now: looked up again whenever they may have changed. */
  user: UserIdentity;
}

/**
 * `GET /ws/events`: everything that changes in the caller's organisation, as far as they may read it. At least once: after a
 * break some events come again, which their `seq` tells.
 */
export function registerEventSocket({ db, hub, reader, logger, findUser }: EventSocketDeps): void {
  hub.register<z.output<typeof EventSocketQuery>, Follower>(SOCKETS.events, {
    query: EventSocketQuery,
    async authenticate({ credential }) {
      const user = credential && (await findUser(credential));
      if (credential === undefined || user === undefined)
        throw new AppError('unauthenticated', 'This socket needs an API token (gct_…) as "Authorization: Bearer …".');
      return { credential, user };
    },
    async mayStay(follower) {
      const user = await findUser(follower.credential);
      follower.user = user ?? { ...follower.user, rights: NO_RIGHTS };
      return user !== undefined;
    },
    ownerOf: ({ user }) => user.userId,
    onConnection(connection, follower, { after }) {
      void serve(connection, follower, after).catch((error: unknown) => {
        logger.warn({ err: error }, 'following events failed');
        connection.close(1011, 'Events cannot be followed just now; connect again.');
      });
    },
  });

  async function serve(connection: Connection, follower: Follower, after: number | undefined): Promise<void> {
    // What comes while the missed ones are read waits here, so that nothing falls between the two.
    let held: StoredEvent[] | undefined = [];
    const { seq, leave } = await reader.follow((events) => {
      if (held === undefined) tell(connection, follower, events);
      else held.push(...events);
    });
    connection.onClose(leave);
    if (connection.signal.aborted) return leave();
    say(connection, { type: 'ready', seq });
    if (after !== undefined)
      tell(
        connection,
        follower,
        await listMissedEvents(db, follower.user.organizationId, {
          after,
          until: seq,
          overlapSeconds: OVERLAP_SECONDS,
          limit: REPLAY_LIMIT,
        }),
      );
    tell(connection, follower, held);
    held = undefined;
  }
}

function tell(connection: Connection, { user }: Follower, events: readonly StoredEvent[]): void {
  for (const event of events)
    if (isVisible(event, user)) say(connection, { type: 'event', event: presentEvent(event) });
}

/** A peer that lets megabytes of events pile up is let go rather than served with holes; it comes back with `after`. */
function say(connection: Connection, frame: EventFrame): void {
  if (!connection.send(JSON.stringify(frame)))
    connection.close(1013, 'You read too slowly; connect again with ?after=<last seq>.');
}
