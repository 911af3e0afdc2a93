import type { Clock, Logger } from '@groundcrew/kit';
import type { AgentId, AttemptId, CancelLevel, OrganizationId, PoolId, TaskId } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import type { Database } from '../../platform/database/index.ts';
import type { AgentCaller } from '../../platform/http/index.ts';
import type { SocketHub } from '../../platform/sockets/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { PoolsService } from '../pools/index.ts';
import type { TasksModule } from '../tasks/index.ts';
import { agentChannel, registerControlSocket } from './control-socket.ts';
import { isRevoked } from './credentials-store.ts';
import { createHeartbeats } from './heartbeat.ts';
import { describeOffer } from './offer.ts';
import { createAgentHandlers } from './routes.ts';
import { CREDENTIALS, createAgentsService } from './service.ts';
import { createSessions } from './sessions.ts';
import { createSignOn } from './sign-on.ts';
import * as store from './store.ts';

export interface AgentsModuleDeps {
  db: Database;
  bus: Bus;
  hub: SocketHub;
  logger: Logger;
  clock: Clock;
  recordChange: RecordChange;
  pools: PoolsService;
  tasks: TasksModule;
  wakeDispatcher: () => void;
  jwtKey: Uint8Array;
  serverVersion: string;
  /** Unanswered offers that make an agent suspect. */
  suspectFrom: number;
  /** This replica's name, for the record of who holds which socket. */
  replica: string;
  logIntervalMs: number;
  readState: (agent: AgentCaller, offer: store.OfferRow) => Promise<Record<string, unknown>>;
}

/** An offer is noted as sent only when it stays unanswered this long: an accept says as much, and saves the write. */
const NOTE_SENT_AFTER_MS = 1_000;

/** Agents: sign-on, heartbeats, command sockets, pulling, administration. */
export function createAgentsModule(deps: AgentsModuleDeps) {
  const { db, bus, tasks, logger } = deps;
  const sessions = createSessions();
  const { clock, jwtKey, serverVersion, logIntervalMs, recordChange } = deps;
  const signOn = createSignOn({ db, pools: deps.pools, recordChange, jwtKey, serverVersion, clock });
  const heartbeats = createHeartbeats({ db, clock, logIntervalMs });

  /** From then on the agent's silence counts against it. */
  function markSent(offers: readonly store.OfferRow[]): void {
    if (offers.length === 0) return;
    const timer = setTimeout(() => {
      for (const { task_id, attempt_id } of offers)
        tasks.decider
          .decide(task_id, { kind: 'mark_sent' })
          .catch((error) => logger.debug({ err: error, attempt_id }, 'an offer was answered or is gone'));
    }, NOTE_SENT_AFTER_MS);
    timer.unref();
  }

  const service = createAgentsService({
    db,
    bus,
    sessions,
    recordChange: deps.recordChange,
    getPool: (organizationId: OrganizationId, id: PoolId) => deps.pools.getPool(organizationId, id),
    agentRevoked: async (taskId: TaskId) => void (await tasks.decider.decide(taskId, { kind: 'agent_revoked' })),
    describeOffer: (agent, offer) => describeOffer(db, deps.readState, agent, offer),
    markSent,
    wakeDispatcher: deps.wakeDispatcher,
    suspectFrom: deps.suspectFrom,
  });

  registerControlSocket({
    db,
    bus,
    logger,
    hub: deps.hub,
    sessions,
    signOn,
    heartbeats,
    attempts: () => tasks.attempts,
    markSent,
    wakeDispatcher: deps.wakeDispatcher,
    logIntervalMs,
    replica: deps.replica,
    serverVersion,
  });

  const flushAll = (ids: readonly AgentId[]): void => {
    for (const id of ids) sessions.find(id)?.flush();
  };
  // Wake-ups of other replicas may have been lost, for any of thousands of agents: one look finds those it matters to.
  const tellAll = () =>
    store
      .listAgentsToTell(db)
      .then(flushAll)
      .catch((error) => logger.warn({ err: error }, 'what agents may have missed was not looked up; the next poll is'));
  bus.subscribe(
    CREDENTIALS,
    (id) => sessions.find(id as AgentId)?.recheck(),
    () => void tellAll(),
  );

  return {
    service,
    signOn,
    /** Backstop for wake-ups that were lost: sends the offers that wait here for an agent whose socket this replica holds. */
    async sendUnsent(): Promise<void> {
      if (sessions.size() > 0) flushAll(await store.listAgentsWithUnsent(db));
    },
    isRevoked,
    handlers: createAgentHandlers({
      agents: service,
      signOn,
      heartbeats,
      listTasks: tasks.service.listOfAgent,
    }),
    /** The offer is in the database; whoever holds the agent's socket or long poll reads it there. */
    sendOffer: (agentId: AgentId, attemptId: AttemptId): void => bus.publish(agentChannel(agentId), attemptId),
    cancelAttempt(agentId: AgentId, taskId: TaskId, attemptId: AttemptId, level: CancelLevel): void {
      if (!sessions.cancel(agentId, taskId, attemptId, level)) bus.publish(agentChannel(agentId), attemptId);
    },
    /** Watching makes a runner send its log at once; losing the word costs latency only. */
    async setWatched(taskId: TaskId, watched: boolean): Promise<void> {
      for (const agentId of await store.listAgentsOfTask(db, taskId))
        sessions
          .find(agentId)
          ?.send({ type: watched ? 'start_realtime_stream' : 'stop_realtime_stream', payload: { task_id: taskId } });
    },
  };
}
