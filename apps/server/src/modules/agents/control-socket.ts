import type { Logger } from '@groundcrew/kit';
import {
  AgentFrame,
  type AgentId,
  ControlQuery,
  type OfferedAttempt,
  type ServerFrame,
  SOCKETS,
} from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import type { Executor } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Connection, SocketHub } from '../../platform/sockets/index.ts';
import type { AttemptsService } from '../tasks/index.ts';
import { HEARTBEAT_EVERY_SECONDS } from './agent.ts';
import { takeHeartbeat } from './heartbeat.ts';
import type { Outgoing, Session, Sessions } from './sessions.ts';
import type { SignOn } from './sign-on.ts';
import * as store from './store.ts';

export interface ControlDeps {
  db: Executor;
  bus: Bus;
  logger: Logger;
  hub: SocketHub;
  sessions: Sessions;
  signOn: SignOn;
  attempts: () => AttemptsService;
  markSent: (agentId: AgentId, offers: readonly store.OfferRow[]) => void;
  wakeDispatcher: () => void;
  logIntervalMs: number;
  replica: string;
  serverVersion: string;
}

/** Wake-ups for whichever replica holds an agent's socket or long poll. */
export const agentChannel = (id: AgentId): string => `agent:${id}`;

export const toOffered = (offer: store.OfferRow): OfferedAttempt => ({
  id: offer.attempt_id,
  epoch: offer.epoch,
  offer_expires_at: offer.offer_expires_at.toISOString(),
});

/** The command socket: orders out, accepts and heartbeats in. What it says is read from the database, so no order lives in memory only. */
export function registerControlSocket(deps: ControlDeps): void {
  deps.hub.register(SOCKETS.control, {
    query: ControlQuery,
    async authenticate({ token, query }) {
      const caller = token === undefined ? undefined : await deps.signOn.findAgentCaller(token);
      if (caller === undefined)
        throw new AppError('unauthenticated', 'The command socket takes an agent’s token as bearer; sign on first.');
      if (caller.agentName !== query.agent_id)
        throw new AppError('forbidden', `This token belongs to agent ${caller.agentName}, not to ${query.agent_id}.`);
      return caller;
    },
    mayStay: async ({ agentId }) => !(await store.isRevoked(deps.db, agentId)),
    onConnection: (connection, caller) => serveAgent(deps, connection, caller.agentId),
  });
}

function serveAgent(deps: ControlDeps, connection: Connection, agentId: AgentId): void {
  const { db, sessions, replica, logger } = deps;
  const send = (frame: Outgoing): boolean =>
    connection.send(JSON.stringify({ ...frame, id: sessions.newFrameId() } as ServerFrame));
  let session: Session | undefined;
  let unsubscribe: (() => void) | undefined;

  const dismiss = (): void => connection.close(1008, 'What this agent signed on with was revoked.');

  /** `all` after a hello: what went over an earlier socket may have been lost with it, and an offer that was accepted is no offer. */
  async function flush(all: boolean): Promise<void> {
    if (await store.isRevoked(db, agentId)) return dismiss();
    const offers = await store.listOffers(db, agentId, !all);
    const sent = offers.filter((offer) => send({ type: 'run_task', payload: toOrder(offer) }));
    deps.markSent(agentId, sent);
    for (const { attempt_id, task_id, cancel_level } of await store.listDesired(db, agentId, []))
      if (cancel_level > 0) send({ type: 'cancel_task', payload: { task_id, attempt_id, level: cancel_level } });
  }

  async function hello(frame: Extract<AgentFrame, { type: 'hello' }>): Promise<void> {
    const { instance } = frame.payload;
    const fresh: Session = {
      agentId,
      instance,
      send,
      close: (reason) => connection.close(1000, reason),
      flush: () => void flush(false).catch(report),
    };
    if (!sessions.add(fresh)) {
      send({ type: 'drain', payload: { reason: 'a newer instance of this agent has signed on' } });
      return;
    }
    session = fresh;
    unsubscribe ??= deps.bus.subscribe(agentChannel(agentId), fresh.flush);
    await store.setConnected(db, agentId, replica);
    const desired = await store.listDesired(db, agentId, frame.payload.attempts);
    send({
      type: 'hello_ack',
      payload: {
        heartbeat_interval_seconds: HEARTBEAT_EVERY_SECONDS,
        server_version: deps.serverVersion,
        heartbeat: {
          attempts: desired.map(({ ended, ...rest }) => ({ ...rest, verdict: ended ? 'fenced' : 'go_on' })),
          drain: false,
          log_interval_ms: deps.logIntervalMs,
          configuration_revision: 0,
          renew_credentials: false,
        },
      },
    });
    await flush(true);
    deps.wakeDispatcher();
  }

  async function take(frame: AgentFrame): Promise<void> {
    switch (frame.type) {
      case 'hello':
        return hello(frame);
      case 'heartbeat':
        if (await store.isRevoked(db, agentId)) return dismiss();
        send({
          type: 'heartbeat_ack',
          payload: { reply: frame.id, answer: await takeHeartbeat(deps, agentId, frame.payload) },
        });
        return;
      case 'accept':
        send({
          type: 'accept_ack',
          payload: {
            reply: frame.id,
            answer: await deps.attempts().accept(agentId, frame.payload.task_id, frame.payload),
          },
        });
        return;
      case 'reject':
        return deps.attempts().reject(agentId, frame.payload.task_id, frame.payload.attempt_id, frame.payload.reason);
      case 'task_completed':
      case 'task_failed':
        // Hints: the exit record is what ends an attempt. A slot may be free, though.
        deps.wakeDispatcher();
        return;
    }
  }

  const report = (error: unknown) =>
    logger.warn({ err: error, agent_id: agentId }, 'a message to or from an agent failed');

  connection.onMessage(async (text) => {
    const frame = parseFrame(text);
    if (frame === undefined)
      return logger.warn(
        { agent_id: agentId },
        'an agent said something that is not understood; it is left unanswered',
      );
    try {
      await take(frame);
    } catch (error) {
      if (!(error instanceof AppError)) report(error);
      const known =
        error instanceof AppError
          ? error
          : new AppError('internal', 'The server could not do that just now; try again.');
      send({ type: 'refused', payload: { reply: frame.id, code: known.code, error: known.message } });
    }
  });
  connection.onClose(() => {
    unsubscribe?.();
    if (session !== undefined && sessions.remove(session))
      void store.setDisconnected(db, agentId, replica).catch(report);
  });
}

const toOrder = (offer: store.OfferRow) => ({
  task_id: offer.task_id,
  workspace_id: offer.workspace_id,
  action: offer.action,
  attempt: toOffered(offer),
  tool: offer.tool,
  terraform_version: offer.terraform_version,
});

function parseFrame(text: string): AgentFrame | undefined {
  try {
    const parsed = AgentFrame.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
