import type { Logger } from '@groundcrew/kit';
import { LogSocketQuery, type OrganizationId, SOCKETS, type TaskId, type WorkspaceId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import {
  AppError,
  type Authenticators,
  type Credential,
  demandPermission,
  mayOn,
  type UserIdentity,
} from '../../platform/http/index.ts';
import type { Connection, SocketHub } from '../../platform/sockets/index.ts';
import type { StoredStream } from './log-stream.ts';
import { type LogsService, logChannel, streamsChannel } from './service.ts';
import { createTail, createTails } from './tail.ts';
import type { TaskView } from './task-teller.ts';
import { serveViewer } from './viewer.ts';
import type { WatchRegistry } from './watch.ts';

export interface ViewerSocketDeps {
  hub: SocketHub;
  bus: Bus;
  logger: Logger;
  logs: LogsService;
  watch: WatchRegistry;
  authenticators: Authenticators;
  readTask: (organizationId: OrganizationId, taskId: TaskId) => Promise<TaskView | undefined>;
  taskChannel: (taskId: TaskId) => string;
  /** The workspace of a task of the organisation. */
  findWorkspace: (organizationId: OrganizationId, taskId: TaskId) => Promise<WorkspaceId | undefined>;
}

/** Who follows which log, and with what. */
interface Viewer {
  credential: Credential;
  identity: UserIdentity;
  taskId: TaskId;
}

/** `GET /ws/logs`: replays from the offset and follows. Needs the right to read the workspace's tasks. */
export function registerViewerSocket({
  hub,
  bus,
  logger,
  logs,
  watch,
  authenticators,
  readTask,
  taskChannel,
  findWorkspace,
}: ViewerSocketDeps): void {
  /** Wakes for whatever may have changed on any of the channels, lost words included. */
  function subscribeAll(channels: readonly string[], wake: () => void): () => void {
    const stops = channels.map((channel) => bus.subscribe(channel, wake, wake));
    return () => {
      for (const stop of stops) stop();
    };
  }

  // A stream ends with its attempt, and of that the task's channel tells.
  const tails = createTails((stream: StoredStream) =>
    createTail(stream, {
      findStream: logs.findStream,
      readSegments: logs.readSegments,
      subscribe: (wake) => subscribeAll([logChannel(stream.taskId), taskChannel(stream.taskId)], wake),
    }),
  );

  hub.register<LogSocketQuery, Viewer>(SOCKETS.viewerLogs, {
    query: LogSocketQuery,
    async authenticate({ credential, query }) {
      const identity = credential && (await authenticators.user(credential));
      if (credential === undefined || identity === undefined)
        throw new AppError(
          'unauthenticated',
          'The log socket takes an API token (gct_…) as bearer; none that is valid came with it.',
        );
      demandPermission(identity, 'task:read', true);
      if (!(await maySee(identity, query.task_id)))
        throw new AppError('not_found', `There is no task ${query.task_id}.`);
      return { credential, identity, taskId: query.task_id };
    },
    /** A log may be followed for hours: a token that was revoked, and a right that was taken away, end it. */
    async mayStay({ credential, taskId }) {
      const identity = await authenticators.user(credential);
      return identity !== undefined && (await maySee(identity, taskId));
    },
    ownerOf: ({ identity }) => identity.userId,
    onConnection: (connection, { identity }, query) => void serve(connection, identity, query),
  });

  async function maySee(identity: UserIdentity, taskId: TaskId): Promise<boolean> {
    const workspaceId = await findWorkspace(identity.organizationId, taskId);
    return workspaceId !== undefined && mayOn(identity.rights, 'task:read', workspaceId);
  }

  async function serve(connection: Connection, identity: UserIdentity, query: LogSocketQuery): Promise<void> {
    const unwatch = watch.watch(query.task_id);
    try {
      await serveViewer(query, {
        listStreams: logs.listStreams,
        acquireTail: tails.acquire,
        readTask: (taskId) => readTask(identity.organizationId, taskId),
        subscribeTask: (taskId, wake) => subscribeAll([taskChannel(taskId), streamsChannel(taskId)], wake),
        send: (frame) => connection.sendPaced(JSON.stringify(frame)),
        signal: connection.signal,
      });
      connection.close(1000, 'The log is complete.');
    } catch (error) {
      logger.warn({ err: error, task_id: query.task_id }, 'a log could not be shown to its end');
      connection.close(1011, 'The server could not read on; connect again from the last offset.');
    } finally {
      unwatch();
    }
  }
}
