import type { OrganizationId, TaskId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { Authenticators, UserCaller } from '../../platform/http/index.ts';
import type { SocketHub } from '../../platform/sockets/index.ts';
import { registerAgentLogSocket } from './agent-socket.ts';
import type { LogLimits } from './log-stream.ts';
import { createLogHandlers } from './routes.ts';
import { createLogsService } from './service.ts';
import type { TaskView } from './viewer.ts';
import { registerViewerSocket } from './viewer-socket.ts';
import { createWatchRegistry } from './watch.ts';

export interface LogsModuleDeps {
  db: Database;
  bus: Bus;
  limits?: LogLimits;
  onWatched: (taskId: TaskId, watched: boolean) => void;
}

export interface LogsSurfaceDeps {
  hub: SocketHub;
  authenticators: Authenticators;
  getTask: (caller: UserCaller, taskId: TaskId) => Promise<unknown>;
  readTask: (organizationId: OrganizationId, taskId: TaskId) => Promise<TaskView | undefined>;
  taskChannel: (taskId: TaskId) => string;
}

/** Logs: the store first, since tasks need it; then what people see of it, which needs tasks. */
export function createLogsModule({ db, bus, limits, onWatched }: LogsModuleDeps) {
  const service = createLogsService({ db, bus, ...(limits ? { limits } : {}) });
  const watch = createWatchRegistry(bus, Date.now, onWatched);
  return {
    service,
    watch,
    surface(surface: LogsSurfaceDeps) {
      registerViewerSocket({ ...surface, bus, logs: service, watch });
      registerAgentLogSocket({ ...surface, logs: service });
      return createLogHandlers({ logs: service, getTask: surface.getTask });
    },
    close: () => watch.close(),
  };
}
