import { hostname } from 'node:os';
import { newId, sha256Hex } from '@groundcrew/kit';
import { type AgentId, ATTEMPT_TOKEN_PREFIX, type OrganizationId, type Stage, type TaskId } from '@groundcrew/protocol';
import { buildIdentity } from './build-identity.ts';
import type { Platform } from './build-platform.ts';
import { findArchiveDir } from './configuration.ts';
import { toFigures } from './figures.ts';
import { createAgentsModule, createCandidateReader } from './modules/agents/index.ts';
import {
  createAuditKeys,
  createAuditModule,
  createAuditPen,
  createRecordAccess,
  createRecordChange,
} from './modules/audit/index.ts';
import { createConfigurationsModule } from './modules/configurations/index.ts';
import { createEmit, createEmitMany, createEventsModule } from './modules/events/index.ts';
import { createLogsModule, LOG_INTERVAL_MS } from './modules/logs/index.ts';
import { countChanges, createMetricsModule } from './modules/metrics/index.ts';
import { createOrganisationsModule } from './modules/organisations/index.ts';
import { createPoolsModule } from './modules/pools/index.ts';
import { createResourcesModule } from './modules/resources/index.ts';
import { createStateModule } from './modules/state/index.ts';
import { contactLostSince, createTasksModule, taskChannel } from './modules/tasks/index.ts';
import { createVariablesModule } from './modules/variables/index.ts';
import { createWorkspacesModule } from './modules/workspaces/index.ts';
import { type Authenticators, type Handlers, mergeHandlers } from './platform/http/index.ts';
import { FEATURES, SERVER_VERSION } from './version.ts';
import { createWatermarkFile } from './watermark-file.ts';

/**
 * The composition: every module, made once, knowing the others only through what is handed to it here. A module is added by one
 * import, one line that makes it and its handlers in the list below.
 *
 * @param wakeDispatcher asks for a look at the queue
 */
export function buildModules(platform: Platform, wakeDispatcher: () => void) {
  const { db, bus, hub, logger, clock, sealer, blobs, configuration } = platform;
  const { registry } = platform.metrics;
  const figures = toFigures(configuration);
  const suspectFrom = figures.silentOffersUntilSuspect;
  const emit = createEmit(bus);
  const auditPen = createAuditPen(createAuditKeys(platform.auditSecret), logger);
  const recordChange = countChanges(registry, createRecordChange(emit, auditPen));
  const recordAccess = createRecordAccess(db, auditPen);
  const metrics = createMetricsModule({ db, registry, logger, home: configuration.home, now: clock.now, suspectFrom });

  const organisations = createOrganisationsModule({ db, recordChange });
  const identity = buildIdentity(platform, {
    recordChange,
    organisations: organisations.service,
    getPool: (organizationId, id) => pools.service.getPool(organizationId, id),
    getWorkspaceId: (organizationId, idOrName) => workspaces.service.getWorkspaceId(organizationId, idOrName),
    clientRevoked: (id) => agents.service.cutOffToken(id),
  });
  const { users } = identity;
  const audit = createAuditModule({ db, pen: auditPen, logger });
  const events = createEventsModule({ db, bus, hub, clock, logger, findUser: identity.findUser });
  const pools = createPoolsModule({
    db,
    recordChange,
    wakeDispatcher,
    tokenRevoked: (id) => agents.service.cutOffToken(id),
  });
  const workspaces = createWorkspacesModule({ db, recordChange, wakeDispatcher, decider: () => tasks.decider });
  const { getWorkspaceId } = workspaces.service;
  const variables = createVariablesModule({ db, sealer, recordChange, getWorkspaceId });
  const configurations = createConfigurationsModule({ db, blobs, recordChange, getWorkspaceId });
  const resources = createResourcesModule({ db, recordChange, getWorkspaceId });
  const logs = createLogsModule({
    db,
    bus,
    logger,
    archiveDir: findArchiveDir(configuration),
    onDamaged: ({ taskId }, sentence) => void tasks.alert(taskId, sentence),
    onAppended: metrics.countLogBytes,
    onWatched: (taskId, watched) => void agents.setWatched(taskId, watched).catch(() => {}),
  });
  const tasks = createTasksModule({
    db,
    bus,
    blobs,
    logger,
    figures,
    logs: logs.service,
    recordChange,
    recordAccess,
    emit,
    emitMany: createEmitMany(bus),
    createCandidateReader,
    getWorkspaceId,
    openVariable: variables.service.open,
    findConfiguration: configurations.service.findArchive,
    watermark: createWatermarkFile(configuration.home, logger),
    losslessFailover: configuration.database_failover === 'lossless',
    watch: logs.watch,
    observe: metrics.countDecision,
    later: () => ({
      state: state.service,
      isAgentRevoked: agents.isRevoked,
      sendOffer: agents.sendOffer,
      cancelAttempt: agents.cancelAttempt,
      wakeDispatcher,
    }),
  });
  const state = createStateModule({ db, blobs, emit, recordChange, recordAccess, decider: () => tasks.decider });
  const agents = createAgentsModule({
    suspectFrom,
    db,
    bus,
    hub,
    logger,
    clock,
    recordChange,
    pools: pools.service,
    tasks,
    wakeDispatcher,
    jwtKey: platform.jwtKey,
    serverVersion: SERVER_VERSION,
    replica: `${hostname()}-${newId('replica')}`,
    logIntervalMs: LOG_INTERVAL_MS.unwatched,
    // A pulled offer holds no secret, and a state may be full of them: it comes with the data, after acceptance.
    readState: async () => ({}),
  });

  const authenticators: Authenticators = {
    user: identity.findUser,
    agent: agents.signOn.findAgentCaller,
    registrant: async (credential) => {
      if (credential.kind === 'app_key') return identity.findRegistrant(credential);
      return credential.kind === 'bearer' ? agents.signOn.findRegistrant(credential.token) : undefined;
    },
    attempt: async (token) =>
      token.startsWith(ATTEMPT_TOKEN_PREFIX)
        ? findAttempt(sha256Hex(token.slice(ATTEMPT_TOKEN_PREFIX.length)))
        : undefined,
  };
  const findAttempt = async (secretHash: string): ReturnType<Authenticators['attempt']> => {
    const attempt = await tasks.attempts.findBySecret(secretHash);
    return attempt && { kind: 'attempt', ...attempt, agentId: attempt.agentId as AgentId };
  };

  /** What viewers of a log are told of its task. */
  async function readTask(organizationId: OrganizationId, taskId: TaskId) {
    const task = await tasks.service.findView(organizationId, taskId);
    return (
      task && {
        status: task.status,
        stage: task.stage as Stage | null,
        progress: task.progress,
        waiting: task.waiting?.message ?? null,
        contact_lost_since: contactLostSince(task),
      }
    );
  }

  const server: Partial<Handlers> = {
    getInfo: async () => ({ name: 'groundcrew', version: SERVER_VERSION, features: [...FEATURES] }),
  };
  const handlers = mergeHandlers([
    server,
    organisations.handlers,
    ...identity.handlers,
    audit.handlers,
    workspaces.handlers,
    variables.handlers,
    configurations.handlers,
    resources.handlers,
    tasks.handlers(),
    logs.surface({
      hub,
      authenticators,
      append: tasks.attempts.appendLog,
      getTask: tasks.service.find,
      readTask,
      taskChannel,
      findWorkspace: (organizationId, taskId) => identity.findPlace('task', organizationId, taskId),
    }),
    state.handlers,
    pools.handlers,
    agents.handlers,
  ]);

  return {
    figures,
    organisations,
    users,
    audit,
    identity,
    events,
    variables,
    pools,
    tasks,
    logs,
    agents,
    metrics,
    authenticators,
    handlers,
  };
}
export type Modules = ReturnType<typeof buildModules>;
