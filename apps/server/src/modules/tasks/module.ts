import type { Logger } from '@groundcrew/kit';
import type { AgentId, AttemptId, CancelLevel, OrganizationId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Bus } from '../../platform/bus/index.ts';
import type { Database, Executor } from '../../platform/database/index.ts';
import type { RecordAccess, RecordChange } from '../audit/index.ts';
import type { Emit, EmitMany } from '../events/index.ts';
import type { LogsService } from '../logs/index.ts';
import type { StateService } from '../state/index.ts';
import { createAlert } from './alert.ts';
import { createAttemptHandlers } from './attempt-routes.ts';
import { createAttemptsService } from './attempts-service.ts';
import { createDecider, type Decided } from './decide.ts';
import { type CandidateReader, createDispatch } from './dispatch/index.ts';
import { createEffectSink } from './effects.ts';
import type { Figures } from './lifecycle/index.ts';
import { createQueueHandlers } from './queue-routes.ts';
import { createRestoreGuard, type WatermarkKeeper } from './restore-guard.ts';
import { createTaskHandlers } from './routes.ts';
import { createTasksService } from './service.ts';
import { createLeaseKeeper } from './sweeper.ts';

export interface TasksModuleDeps {
  db: Database;
  bus: Bus;
  blobs: BlobStore;
  logger: Logger;
  figures: Figures;
  logs: LogsService;
  recordChange: RecordChange;
  recordAccess: RecordAccess;
  watermark: WatermarkKeeper;
  losslessFailover: boolean;
  createCandidateReader: () => CandidateReader;
  emit: Emit;
  emitMany: EmitMany;
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
  openVariable: (organizationId: string, variableId: string, sealed: Buffer) => Promise<string>;
  findConfiguration: (id: string) => Promise<{ blobId: string; checksum: string; size: number } | undefined>;
  /** Told of every decision about a task once it is committed. */
  observe?: ((decided: Decided) => void) | undefined;
  watch: { intervalMs: (taskId: TaskId) => number; isWatched: (taskId: TaskId) => boolean };
  /** Modules that are made after this one, since they need its decider. */
  later: () => {
    state: StateService;
    isAgentRevoked: (tx: Executor, agentId: string) => Promise<boolean>;
    sendOffer: (agentId: AgentId, attemptId: AttemptId) => void;
    cancelAttempt: (agentId: AgentId, taskId: TaskId, attemptId: AttemptId, level: CancelLevel) => void;
    wakeDispatcher: () => void;
  };
}

/** Wake-ups of everything about a task but its log. */
export const taskChannel = (taskId: TaskId): string => `task:${taskId}`;

/** Tasks: the life cycle with its queue, its dispatcher and its lease keeper. */
export function createTasksModule(deps: TasksModuleDeps) {
  const { db, bus, logs, logger, figures, later } = deps;
  const wakeTask = (taskId: TaskId) => bus.publish(taskChannel(taskId), taskId);
  const sink = createEffectSink({
    storeState: (tx, effect, context, extra) => later().state.storeState(tx, effect, context, extra),
    decideQuarantined: (tx, effect, extra) => later().state.decideQuarantined(tx, effect, extra),
    emit: deps.emit,
    wakeDispatcher: () => later().wakeDispatcher(),
    sendOffer: (agentId, attemptId) => later().sendOffer(agentId, attemptId),
    tellAgent: (agentId, taskId, attemptId, level) => later().cancelAttempt(agentId, taskId, attemptId, level),
    wakeTask,
    warn: (sentence, { taskId, workspaceId }) => logger.warn({ task_id: taskId, workspace_id: workspaceId }, sentence),
  });
  const decider = createDecider({ db, figures, sink, observe: deps.observe });
  const { dispatcher, view } = createDispatch({
    db,
    decider,
    figures,
    emitMany: deps.emitMany,
    logger,
    createCandidateReader: deps.createCandidateReader,
    sendOffer: (agentId, attemptId) => later().sendOffer(agentId, attemptId),
    wakeTask,
  });
  const service = createTasksService({
    db,
    decider,
    recordChange: deps.recordChange,
    wakeDispatcher: () => later().wakeDispatcher(),
    getWorkspaceId: deps.getWorkspaceId,
    queue: view,
  });
  const attempts = createAttemptsService({
    db,
    decider,
    logs,
    blobs: deps.blobs,
    openVariable: deps.openVariable,
    watch: deps.watch,
    isAgentRevoked: (tx, agentId) => later().isAgentRevoked(tx, agentId),
    wakeTask,
  });
  const guard = createRestoreGuard({ ...deps, decider });
  const keeper = createLeaseKeeper({ db, decider, figures, guard, emit: deps.emit, wakeTask, logger });

  return {
    service,
    attempts,
    alert: createAlert(deps),
    decider,
    dispatcher,
    keeper,
    /** Handlers need the state service, which is made after this module. */
    handlers: () => ({
      ...createTaskHandlers(service, logs),
      ...createQueueHandlers({
        db,
        queue: view,
        recordChange: deps.recordChange,
        wakeDispatcher: () => later().wakeDispatcher(),
      }),
      ...createAttemptHandlers({
        db,
        attempts,
        logs,
        recordAccess: deps.recordAccess,
        state: later().state,
        blobs: deps.blobs,
        logIntervalMs: deps.watch.intervalMs,
        findConfiguration: deps.findConfiguration,
      }),
    }),
  };
}
export type TasksModule = ReturnType<typeof createTasksModule>;
