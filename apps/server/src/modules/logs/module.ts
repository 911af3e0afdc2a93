import type { Logger } from '@groundcrew/kit';
import type { OrganizationId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Authenticators, UserCaller } from '../../platform/http/index.ts';
import type { SocketHub } from '../../platform/sockets/index.ts';
import { type AppendLog, registerAgentLogSocket } from './agent-socket.ts';
import { createArchive } from './archive.ts';
import type { LogLimits, StoredStream } from './log-stream.ts';
import { createLogHandlers } from './routes.ts';
import { createLogsService } from './service.ts';
import type { TaskView } from './task-teller.ts';
import { registerViewerSocket } from './viewer-socket.ts';
import { createWatchRegistry } from './watch.ts';

export interface LogsModuleDeps {
  db: Database;
  bus: Bus;
  logger: Logger;
  limits?: LogLimits;
  /** Folder for finished logs; without it they stay in the database. Replicas need the same one. */
  archiveDir?: string | undefined;
  /** Told of a log that is not what its exit record names. */
  onDamaged?: (stream: StoredStream, sentence: string) => void;
  /** Told of every chunk that was stored, with the bytes that were new. */
  onAppended?: (bytes: number) => void;
  onWatched: (taskId: TaskId, watched: boolean) => void;
}

export interface LogsSurfaceDeps {
  hub: SocketHub;
  authenticators: Authenticators;
  append: AppendLog;
  getTask: (caller: UserCaller, taskId: TaskId) => Promise<unknown>;
  readTask: (organizationId: OrganizationId, taskId: TaskId) => Promise<TaskView | undefined>;
  taskChannel: (taskId: TaskId) => string;
  findWorkspace: (organizationId: OrganizationId, taskId: TaskId) => Promise<WorkspaceId | undefined>;
}

/** Logs: the store first, since tasks need it; then what people see of it, which needs tasks. */
export function createLogsModule({ onWatched, archiveDir, ...deps }: LogsModuleDeps) {
  const { bus, logger } = deps;
  const service = createLogsService({
    ...deps,
    archive: archiveDir === undefined ? undefined : createArchive(archiveDir),
  });
  const watch = createWatchRegistry(bus, Date.now, onWatched);
  return {
    service,
    watch,
    surface(surface: LogsSurfaceDeps) {
      registerViewerSocket({ ...surface, bus, logger, logs: service, watch });
      registerAgentLogSocket({ ...surface, logs: service, logger });
      return createLogHandlers({ logs: service, getTask: surface.getTask });
    },
    close: () => watch.close(),
  };
}
