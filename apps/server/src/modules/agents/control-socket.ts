import type { Logger } from '@groundcrew/kit';
import { AgentFrame, type AgentId, ControlQuery, SOCKETS } from '@groundcrew/protocol';
import type { Bus } from '../../platform/bus/index.ts';
import type { Executor } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { Connection, SocketHub } from '../../platform/sockets/index.ts';
import type { AttemptsService } from '../tasks/index.ts';
import { HEARTBEAT_EVERY_SECONDS } from './agent.ts';
import type { SignedOn } from './credentials-store.ts';
import { type Heartbeats, toAnswer } from './heartbeat.ts';
import { toOrder } from './offer.ts';
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
  heartbeats: Heartbeats;
  attempts: () => AttemptsService;
  markSent: (offers: readonly store.OfferRow[]) => void;
  wakeDispatcher: () => void;
  logIntervalMs: number;
  replica: string;
  serverVersion: string;
}

/** Wake-ups for whichever replica holds an agent's socket or long poll. */
export const agentChannel = (id: AgentId): string => `agent:${id}`;

/** The command socket: orders out, accepts and heartbeats in. What it says is read from the database, so no order lives in memory only. */
export function registerControlSocket(deps: ControlDeps): void {
  const { hub, signOn } = deps;
  hub.register(SOCKETS.control, {
    query: ControlQuery,
    async authenticate({ token, query }) {
      const agent = token === undefined ? undefined : await signOn.findSignedOn(token);
      if (agent === undefined)
        throw new AppError('unauthenticated', 'The command socket takes an agent’s token as bearer; sign on first.');
      if (agent.agentName !== query.agent_id)
        throw new AppError('forbidden', `This token belongs to agent ${agent.agentName}, not to ${query.agent_id}.`);
      return agent;
    },
    mayStay: signOn.isStillSignedOn,
    onConnection: (connection, agent) => serveAgent(deps, connection, agent),
  });
}

const DRAIN: Outgoing = { type: 'drain', payload: { reason: 'a newer instance of this agent has signed on' } };

function serveAgent(deps: ControlDeps, connection: Connection, agent: SignedOn): void {
  const { db, sessions, replica, logger } = deps;
  const agentId = agent.id;
  /** Offers that went over this connection and are not accepted yet. */
  let sent = new Set<string>();
  let session: Session | undefined;
  /** An administrator asked this agent to drain before it said hello. */
  let drains = false;
  let unsubscribe: (() => void) | undefined;
  let beating: Promise<void> | undefined;

  const send = (frame: Outgoing): boolean => connection.send(JSON.stringify({ ...frame, id: sessions.newFrameId() }));
  const report = (error: unknown) =>
    logger.warn({ err: error, agent_id: agentId }, 'a message to or from an agent failed');
  const isCurrent = () => session !== undefined && sessions.find(agentId) === session;

  /** `all` after a hello: what went over an earlier socket may have been lost with it, and an offer that was accepted is no offer. */
  async function flush(all: boolean): Promise<void> {
    if (!isCurrent()) return;
    const offers = await store.listOffers(db, agentId, !all);
    if (offers.some(({ instance }) => instance > (session?.instance ?? 0))) return void send(DRAIN);
    const fresh = offers.filter(({ attempt_id }) => !sent.has(attempt_id));
    const gone = fresh.filter((offer) => send({ type: 'run_task', payload: toOrder(offer) }));
    const known = offers.filter(({ attempt_id }) => sent.has(attempt_id));
    sent = new Set([...known, ...gone].map(({ attempt_id }) => attempt_id));
    deps.markSent(gone);
    for (const { attempt_id, task_id, cancel_level } of await store.listDesired(db, agentId, []))
      if (cancel_level > 0) send({ type: 'cancel_task', payload: { task_id, attempt_id, level: cancel_level } });
  }

  const createSession = (instance: number): Session => ({
    agentId,
    instance,
    send,
    drain: () => void send(DRAIN),
    close: (code, sentence) => connection.close(code, sentence),
    flush: () => void flush(false).catch(report),
    recheck: () => void recheck().catch(report),
  });

  async function recheck(): Promise<void> {
    if (!(await deps.signOn.isStillSignedOn(agent)))
      connection.close(1008, 'The credential is no longer valid; sign on again.');
  }

  async function hello({ payload }: Extract<AgentFrame, { type: 'hello' }>): Promise<void> {
    const { instance, attempts } = payload;
    if (session === undefined) {
      const fresh = createSession(instance);
      const claimed = await store.claimSocket(db, agentId, { replica, instance });
      if (claimed === undefined || !sessions.add(fresh)) return void send(DRAIN);
      session = fresh;
      drains = claimed.draining;
      unsubscribe = deps.bus.subscribe(agentChannel(agentId), fresh.flush);
      if (connection.signal.aborted) return leave();
    }
    const answer = toAnswer(await store.listDesired(db, agentId, attempts), drains, deps.logIntervalMs);
    const figures = { heartbeat_interval_seconds: HEARTBEAT_EVERY_SECONDS, server_version: deps.serverVersion };
    send({ type: 'hello_ack', payload: { ...figures, heartbeat: answer } });
    sent.clear();
    await flush(true);
    deps.wakeDispatcher();
  }

  async function beat({ id: reply, payload }: Extract<AgentFrame, { type: 'heartbeat' }>): Promise<void> {
    const held = () => (session && isCurrent() ? { replica, instance: session.instance } : undefined);
    const answer = await deps.heartbeats.take(agentId, payload, held);
    // The socket may have closed while it was noted once more that we hold it.
    if (connection.signal.aborted) return session && sessions.find(agentId) === undefined ? release() : undefined;
    send({ type: 'heartbeat_ack', payload: { reply, answer } });
  }

  async function take(frame: AgentFrame): Promise<void> {
    const { id: reply, payload } = frame;
    switch (frame.type) {
      case 'hello':
        return hello(frame);
      case 'heartbeat':
        // One at a time; but what it waits for must not hold up the accept that comes behind it.
        await beating;
        beating = beat(frame).catch((error) => refuse(frame, error));
        return;
      case 'accept': {
        const answer = await deps.attempts().accept(agentId, frame.payload.task_id, frame.payload);
        return void send({ type: 'accept_ack', payload: { reply, answer } });
      }
      case 'reject':
        return deps.attempts().reject(agentId, frame.payload.task_id, frame.payload.attempt_id, frame.payload.reason);
      case 'task_completed':
      case 'task_failed':
        // Hints: the exit record is what ends an attempt. A slot may be free, though.
        logger.debug({ agent_id: agentId, ...payload }, 'an agent says that an attempt is over');
        return deps.wakeDispatcher();
    }
  }

  function refuse({ id: reply }: AgentFrame, error: unknown): void {
    if (!(error instanceof AppError)) report(error);
    const known =
      error instanceof AppError ? error : new AppError('internal', 'The server could not do that just now; try again.');
    send({ type: 'refused', payload: { reply, code: known.code, error: known.message } });
  }

  connection.onMessage(async (text) => {
    const { frame, reply, mistake } = parseFrame(text);
    if (frame !== undefined) return take(frame).catch((error) => refuse(frame, error));
    logger.warn({ agent_id: agentId }, 'an agent said something that is not understood');
    if (reply !== undefined) send({ type: 'refused', payload: { reply, code: 'invalid_request', error: mistake } });
  });

  function leave(): void {
    unsubscribe?.();
    if (session !== undefined && sessions.remove(session)) void release().catch(report);
  }

  /** The agent may be back already, and what it claimed overtaken by what we take back here. */
  async function release(): Promise<void> {
    await store.releaseSocket(db, agentId, replica);
    const back = sessions.find(agentId);
    if (back !== undefined) await store.claimSocket(db, agentId, { replica, instance: back.instance });
  }
  connection.onClose(leave);
}

/** What a frame says, or what is wrong with it and whom to tell; without an id there is nobody to tell. */
function parseFrame(text: string): { frame?: AgentFrame; reply?: string; mistake: string } {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { mistake: 'The frame is no JSON.' };
  }
  const parsed = AgentFrame.safeParse(given);
  if (parsed.success) return { frame: parsed.data, mistake: '' };
  const id = (given as { id?: unknown } | null)?.id;
  const mistakes = parsed.error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.') || 'frame'}: ${message}`);
  const mistake = `The frame is not as it has to be (${mistakes.join('; ')}).`;
  return { mistake, ...(typeof id === 'string' && id.length <= 64 && { reply: id }) };
}
