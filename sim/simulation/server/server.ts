import { sha256Hex } from '@groundcrew/kit';
import {
  type AgentId,
  ATTEMPT_TOKEN_PREFIX,
  type AttemptId,
  type TaskId,
  type WorkspaceId,
} from '@groundcrew/protocol';
import type { Owner } from '../kernel/event-loop.ts';
import type { Origin, WireAnswer, WireRequest } from '../network/network.ts';
import type { World } from '../world.ts';
import { createAttemptHandlers, type RawReply } from './attempt-handlers.ts';
import { createDatabase, type Database } from './database.ts';
import { createDispatcher } from './dispatcher.ts';
import { createKeeper } from './keeper.ts';
import { jsonAnswer, refusalAnswer, ServerRefusal } from './refusal.ts';
import { type Routed, routeRequest } from './routes.ts';
import type { Caller } from './tables.ts';

/** The control plane: the product's decisions behind the product's route table, over a simulated database. */
export interface Server extends Origin {
  readonly database: Database;
  start(): void;
  /** Dies with whatever it has not committed. */
  crash(): void;
  /** Stands still until then, as a stopped process or a paused machine does. */
  stopUntil(time: number): void;
}

export const AGENT_TOKEN_PREFIX = 'agt_';
const LOOP_MS = { dispatch: 2_000, sweep: 1_000, keepAlive: 5_000 };
/** A request waits for the database, and its answer for the network stack. */
const WORK_MS = { least: 1, most: 12, answer: 1 };

/** What agents send, taken together. */
interface AgentCall {
  readonly attempt_id: AttemptId;
  readonly secret_hash: string;
  readonly reason: string;
  readonly wait_seconds: number;
}

interface Life extends Owner {
  alive: boolean;
  stoppedUntil: number;
}

export function createServer(world: World): Server {
  const { loop, trace } = world;
  const dice = world.dice.fork('server');
  const database = createDatabase(world);
  const dispatcher = createDispatcher(database, world);
  const keeper = createKeeper(database, world);
  const attempts = createAttemptHandlers(database, world);
  let life: Life = { alive: false, stoppedUntil: 0 };
  let waiting: { agentId: AgentId; wake: () => void }[] = [];

  database.onEffects((effects) => {
    if (effects.some(({ kind }) => kind === 'wake_dispatcher')) loop.after(1, dispatcher.pass, life);
    if (effects.some(({ kind }) => kind === 'send_offer')) loop.after(0.5, wakePollers, life);
  });

  function wakePollers(): void {
    const woken = waiting;
    waiting = [];
    for (const { wake } of woken) wake();
  }

  function every(ms: number, run: () => void, owner: Life): void {
    loop.after(
      ms,
      () => {
        run();
        every(ms, run, owner);
      },
      owner,
    );
  }

  function serve(request: WireRequest, answer: (answer: WireAnswer | undefined) => void): void {
    const mine = life;
    const send = (result: WireAnswer | undefined) =>
      void loop.after(WORK_MS.answer, () => answer(mine.alive ? result : undefined));
    // Requests under way die with the server; somebody has to tell their callers.
    onCrash.add(answer);
    const settle = (result: WireAnswer | undefined) => {
      onCrash.delete(answer);
      send(result);
    };
    loop.after(dice.between(WORK_MS.least, WORK_MS.most), () => handle(request, settle), mine);
  }

  const onCrash = new Set<(answer: undefined) => void>();

  function handle(request: WireRequest, settle: (answer: WireAnswer) => void): void {
    try {
      const { method, url, headers, body } = request;
      const routed = routeRequest(method, url, headers['content-type'], body);
      const token = headers.authorization?.slice('Bearer '.length) ?? '';
      if (token.startsWith(AGENT_TOKEN_PREFIX)) handleAgent(routed, token.slice(4) as AgentId, settle);
      else settle(handleAttempt(routed, token, request));
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      settle(refusalAnswer(error));
    }
  }

  function handleAttempt(
    { name, params, body }: Routed,
    token: string,
    { headers, body: raw }: WireRequest,
  ): WireAnswer {
    if (name === 'getInfo') return jsonAnswer({});
    const handler = (attempts as Record<string, ((request: never) => unknown) | undefined>)[name];
    if (handler === undefined) throw new ServerRefusal('not_implemented', `${name} is not simulated.`);
    const caller = findCaller(token, params.task_id as TaskId);
    const result = handler({ caller, body, headers, raw } as never);
    trace.note('server', `${name} of ${caller.attemptId} is done`);
    return isRaw(result)
      ? { status: 200, headers: { 'x-content-sha256': result.checksum }, body: result.raw }
      : jsonAnswer(result);
  }

  function findCaller(token: string, taskId: TaskId): Caller {
    const caller = database.tables.credentials.get(sha256Hex(token.slice(ATTEMPT_TOKEN_PREFIX.length)));
    if (caller === undefined) throw new ServerRefusal('unauthenticated', 'No valid credential came with the request.');
    if (caller.taskId !== taskId) throw new ServerRefusal('not_found', 'This attempt does not belong to that task.');
    return caller;
  }

  function handleAgent({ name, params, body }: Routed, agentId: AgentId, settle: (answer: WireAnswer) => void): void {
    const given = body as AgentCall;
    note(agentId);
    if (name === 'pullTask') pull(agentId, loop.now() + given.wait_seconds * 1000, settle);
    else settle(jsonAnswer(answerAgent(name, params.task_id as TaskId, agentId, given)));
  }

  function answerAgent(name: string, taskId: TaskId, agentId: AgentId, given: AgentCall): unknown {
    if (name === 'heartbeat') return beat(agentId);
    if (name === 'acceptAttempt') return accept(agentId, taskId, given);
    if (name !== 'rejectAttempt') throw new ServerRefusal('not_implemented', `${name} is not simulated.`);
    database.decide(taskId, { kind: 'reject', reason: given.reason }, given.attempt_id);
    return undefined;
  }

  /** As the server's own: each forgives one offer that was left unanswered. */
  function beat(agentId: AgentId): unknown {
    const { silentOffers = 0 } = database.tables.agents.get(agentId) ?? {};
    note(agentId, { silentOffers: Math.max(0, silentOffers - 1) });
    return desiredOf(agentId);
  }

  function note(id: AgentId, news: { lastPullAt?: number; silentOffers?: number } = {}): void {
    const { agents } = database.tables;
    const known = agents.get(id) ?? { id, lastHeartbeatAt: 0, lastPullAt: 0, silentOffers: 0 };
    agents.set(id, { ...known, lastHeartbeatAt: loop.now(), ...news });
  }

  function accept(agentId: AgentId, taskId: TaskId, given: { attempt_id: AttemptId; secret_hash: string }): unknown {
    const attempt = database.fenceOf(taskId).attempts.find(({ id }) => id === given.attempt_id);
    if (attempt?.agentId !== agentId) throw new ServerRefusal('not_found', 'There is no such offer to this agent.');
    const answer = database.decide(taskId, { kind: 'accept', secretHash: given.secret_hash }, given.attempt_id);
    database.tables.credentials.set(given.secret_hash, { taskId, attemptId: given.attempt_id });
    note(agentId, { silentOffers: 0 });
    return {
      attempt_id: answer.attemptId,
      epoch: answer.epoch,
      lease_seconds: answer.leaseMs / 1000,
      cancel_level: answer.cancelLevel,
    };
  }

  /** Long poll: the offer that waits for this agent, or the next one within the time. */
  function pull(agentId: AgentId, deadline: number, settle: (answer: WireAnswer) => void): void {
    note(agentId, { lastPullAt: loop.now(), silentOffers: 0 });
    loop.after(1, dispatcher.pass, life);
    const look = () => {
      const found = findOffer(agentId);
      if (found !== undefined) settle(jsonAnswer(found));
      else if (loop.now() >= deadline) settle(jsonAnswer(undefined));
      else waiting.push({ agentId, wake: look });
    };
    loop.after(deadline - loop.now(), wakePollers, life);
    look();
  }

  function findOffer(agentId: AgentId): unknown {
    for (const { attempts: all } of database.tables.fences.values()) {
      const attempt = all.find((known) => known.agentId === agentId && known.state === 'offered');
      if (attempt === undefined) continue;
      database.decide(attempt.taskId, { kind: 'mark_sent' }, attempt.id);
      return {
        task_id: attempt.taskId,
        workspace_id: database.tables.tasks.get(attempt.taskId)?.workspaceId as WorkspaceId,
        action: attempt.action,
        terraform_version: null,
        tool: 'terraform',
        tf_json: {},
        variables: {},
        state_json: {},
        attempt: {
          id: attempt.id,
          epoch: attempt.epoch,
          offer_expires_at: new Date(attempt.offerExpiresAt ?? 0).toISOString(),
        },
      };
    }
    return undefined;
  }

  function desiredOf(agentId: AgentId): unknown {
    const desired = [...database.tables.fences.values()].flatMap(({ attempts: all, tasks }) =>
      all
        .filter((attempt) => attempt.agentId === agentId && attempt.state !== 'ended')
        .map((attempt) => ({
          attempt_id: attempt.id,
          task_id: attempt.taskId,
          cancel_level: tasks.find(({ id }) => id === attempt.taskId)?.cancelLevel ?? 0,
          verdict: 'go_on',
        })),
    );
    return {
      attempts: desired,
      drain: false,
      log_interval_ms: 1_000,
      configuration_revision: 0,
      renew_credentials: false,
    };
  }

  return {
    database,
    isUp: () => life.alive,
    serve,
    start() {
      if (life.alive) return;
      const mine: Life = { alive: true, stoppedUntil: 0 };
      life = mine;
      trace.note('server', 'starts');
      keeper.keepAlive();
      every(LOOP_MS.keepAlive, keeper.keepAlive, mine);
      every(LOOP_MS.sweep, keeper.sweep, mine);
      every(LOOP_MS.dispatch, dispatcher.pass, mine);
    },
    crash() {
      if (!life.alive) return;
      trace.note('server', 'dies');
      life.alive = false;
      waiting = [];
      database.crash();
      for (const tell of [...onCrash]) tell(undefined);
      onCrash.clear();
    },
    stopUntil(time) {
      if (time > loop.now()) trace.note('server', `stands still for ${Math.round((time - loop.now()) / 1000)} s`);
      life.stoppedUntil = time;
    },
  };
}

const isRaw = (value: unknown): value is RawReply => typeof value === 'object' && value !== null && 'raw' in value;
