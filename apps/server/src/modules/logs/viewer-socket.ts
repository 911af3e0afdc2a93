import { LogSocketQuery, type OrganizationId, SOCKETS, type TaskId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import { AppError, type Authenticators, demandPermission, type UserIdentity } from '../../platform/http/index.ts';
import type { Connection, SocketHub } from '../../platform/sockets/index.ts';
import type { StoredStream } from './log-stream.ts';
import { type LogsService, logChannel } from './service.ts';
import { createTail, createTails } from './tail.ts';
import { serveViewer, type TaskView } from './viewer.ts';
import type { WatchRegistry } from './watch.ts';

export interface ViewerSocketDeps {
  hub: SocketHub;
  bus: Bus;
  logs: LogsService;
  watch: WatchRegistry;
  authenticators: Authenticators;
  readTask: (organizationId: OrganizationId, taskId: TaskId) => Promise<TaskView | undefined>;
  taskChannel: (taskId: TaskId) => string;
}

/** `GET /ws/logs`: replays from the offset and follows. Needs the right to read the workspace's tasks. */
export function registerViewerSocket({
  hub,
  bus,
  logs,
  watch,
  authenticators,
  readTask,
  taskChannel,
}: ViewerSocketDeps): void {
  const tails = createTails((stream: StoredStream) =>
    createTail(stream, stream.length, {
      readSegments: logs.readSegments,
      subscribe: (wake) => bus.subscribe(logChannel(stream.taskId), wake),
    }),
  );

  hub.register(SOCKETS.viewerLogs, {
    query: LogSocketQuery,
    async authenticate({ token, query }): Promise<UserIdentity> {
      const identity = token === undefined ? undefined : await authenticators.user(token);
      if (identity === undefined)
        throw new AppError(
          'unauthenticated',
          'The log socket takes an API token (gct_…) as bearer; none that is valid came with it.',
        );
      demandPermission(identity, 'task:read');
      if ((await readTask(identity.organizationId, query.task_id)) === undefined)
        throw new AppError('not_found', `There is no task ${query.task_id}.`);
      return identity;
    },
    onConnection: (connection, identity, query) => void serve(connection, identity, query),
  });

  async function serve(connection: Connection, identity: UserIdentity, query: LogSocketQuery): Promise<void> {
    const unwatch = watch.watch(query.task_id);
    try {
      await serveViewer(query, {
        listStreams: logs.listStreams,
        findStream: logs.findStream,
        acquireTail: tails.acquire,
        readTask: (taskId) => readTask(identity.organizationId, taskId),
        subscribeTask: (taskId, wake) => bus.subscribe(taskChannel(taskId), wake),
        send: (frame) => connection.sendPaced(JSON.stringify(frame)),
        signal: connection.signal,
      });
      connection.close(1000, 'The log is complete.');
    } catch {
      connection.close(1011, 'The server could not read on; connect again from the last offset.');
    } finally {
      unwatch();
    }
  }
}
