import { join } from 'node:path';
import type { Client } from '@groundcrew/client';
import { type Clock, type Logger, newId } from '@groundcrew/kit';
import type { AttemptId, CancelLevel, Heartbeat, HeartbeatAnswer } from '@groundcrew/protocol';
import { type Attempts, createAttempts } from './attempts.ts';
import type { AgentConfiguration } from './configuration.ts';
import { readHostLoad } from './figures.ts';
import { acceptByHttp, type HttpLinkDeps, pullOffers, rejectByHttp } from './http-link.ts';
import type { Identity } from './identity.ts';
import type { Link, LinkListener } from './link.ts';
import { createPushLink, type PushLink } from './push-link.ts';
import type { RunnerStart } from './runner-process.ts';
import type { SignOn } from './sign-on.ts';
import { sleepQuietly } from './wait.ts';

export interface AgentDeps {
  configuration: AgentConfiguration;
  identity: Identity;
  version: string;
  /** Brings the short-lived token with every call. */
  client: Client;
  signOn: SignOn;
  runner: RunnerStart;
  clock: Clock;
  logger: Logger;
  /** Aborts when the agent leaves. */
  signal: AbortSignal;
  /** Called when the agent drains and nothing is left to do. */
  onIdle: () => void;
}

/** How long the command socket may be down before work is pulled instead, in mode auto. */
const FALL_BACK_AFTER_MS = 10_000;

/**
 * One agent: adopts what an earlier one left, signs on, keeps the link, hands offers to runners. It does nothing heavy itself,
 * so that its heartbeats never wait for the work.
 */
export function createAgent(deps: AgentDeps) {
  const { configuration, identity, client, signOn, clock, logger, signal } = deps;
  const { resources, agent: own } = configuration;
  let draining = false;
  let downSince = clock.now();
  let push: PushLink | undefined;
  let totalTasks = 0;

  const attempts: Attempts = createAttempts({
    dir: join(resources.workspace_dir, 'a'),
    start: deps.runner,
    maxConcurrent: resources.max_concurrent_jobs,
    spares: resources.spare_runners,
    clock,
    logger,
    newName: () => newId('').slice(1, 9),
    onEnded: (held, message) => {
      totalTasks += 1;
      if (message)
        push?.tellEnd({
          ...held,
          result: message.result,
          exitCode: message.exit_code,
          duration: message.duration,
          errorMessage: message.error_message,
        });
      attempts.fillSpares();
      leaveWhenIdle();
    },
  });
  const http: HttpLinkDeps = { client, clock, logger, signal };

  /** Over the socket while it is up, since that is quicker; whatever stays unanswered there is asked again over HTTP. */
  const link: Link = {
    async accept(taskId, request) {
      const answer = push?.isUp ? await push.accept(taskId, request) : ({ kind: 'unanswered' } as const);
      if (answer.kind === 'unanswered') return acceptByHttp(http, taskId, request);
      return answer.kind === 'refused' ? answer.sentence : undefined;
    },
    reject(taskId, attemptId, reason) {
      if (!push?.reject(taskId, attemptId, reason)) rejectByHttp(http, taskId, attemptId, reason);
    },
  };

  const listener: LinkListener = {
    onOffer: (order) =>
      attempts
        .take(order, link)
        .catch((error) => logger.error({ err: error, task_id: order.task_id }, 'an offer could not be taken up')),
    onCancel: ({ attempt_id, level }) => attempts.cancel(attempt_id, level),
    onWatched: (taskId, watched) => attempts.setWatched(taskId, watched),
    onDrain: (reason) => drain(reason),
    onRefreshCredentials: () =>
      void signOn.signOn().catch((error) => logger.error({ err: error }, 'the token could not be renewed')),
    onDesired: obey,
  };

  /** What the server wants, as levels: hearing it twice or late does no harm. */
  function obey(answer: HeartbeatAnswer): void {
    for (const { attempt_id, cancel_level } of answer.attempts)
      if (cancel_level > 0) attempts.cancel(attempt_id, cancel_level as CancelLevel);
    if (answer.drain) drain('the server asked for it');
    if (answer.renew_credentials) listener.onRefreshCredentials();
  }

  async function beat(): Promise<void> {
    const body = await describe();
    const overSocket = push?.isUp ? await push.heartbeat(body) : undefined;
    const answer =
      overSocket ??
      (await client.call(
        'heartbeat',
        { params: { id: identity.agentId }, body },
        { timeoutMs: configuration.heartbeat.timeout, retry: 'never', signal },
      ));
    obey(answer);
  }

  async function describe(): Promise<Heartbeat> {
    const held = attempts.list();
    const { cpu, memory } = await readHostLoad();
    return {
      agent_id: identity.agentId,
      busy: held.length > 0,
      plan_tasks_running: held.filter((attempt) => attempt.action === 'plan').length,
      plan_task_limit: resources.max_concurrent_jobs,
      apply_task_running: held.some((attempt) => attempt.action !== 'plan'),
      current_tasks: held.map((attempt) => attempt.attemptId),
      cpu_usage: cpu,
      mem_usage: memory,
      status: held.length > 0 ? 'busy' : 'online',
      active_jobs: held.length,
      total_jobs: totalTasks,
      version: deps.version,
      timestamp: new Date(clock.now()).toISOString(),
    };
  }

  async function keepBeating(): Promise<void> {
    while (!signal.aborted) {
      await sleepQuietly(clock, configuration.heartbeat.interval, signal);
      if (!signal.aborted) await beat().catch((error) => logger.warn({ err: error }, 'a heartbeat got no answer'));
    }
  }

  function openPush(): PushLink {
    return createPushLink({
      client,
      clock,
      logger,
      agentId: identity.agentId,
      instance: identity.instance,
      version: deps.version,
      held: heldIds,
      freeSlots: attempts.freeSlots,
      listener,
      onUpOrDown: (up) => {
        downSince = up ? Number.POSITIVE_INFINITY : Math.min(downSince, clock.now());
      },
    });
  }

  const heldIds = (): AttemptId[] => attempts.list().map((attempt) => attempt.attemptId);
  const mustPull = (): boolean =>
    own.mode === 'pull' || (own.mode === 'auto' && clock.now() - downSince > FALL_BACK_AFTER_MS);

  function drain(reason: string): void {
    if (draining) return;
    draining = true;
    logger.info({ reason, held: attempts.list().length }, 'draining: nothing new is taken');
    attempts.drain();
    leaveWhenIdle();
  }

  function leaveWhenIdle(): void {
    if (draining && attempts.list().length === 0) deps.onIdle();
  }

  return {
    /** Takes over what is there, signs on and starts to work; resolves once the agent is signed on. */
    async start(): Promise<void> {
      const adopted = await attempts.adopt();
      if (adopted.length > 0) logger.info({ attempts: adopted.length }, 'attempts of an earlier start go on');
      attempts.fillSpares();
      const { pool_id } = await signOn.signOn();
      logger.info({ agent_id: identity.agentId, pool_id, server: client.baseUrl }, 'signed on');
      void signOn.keepFresh();
      if (own.mode !== 'pull') push = openPush();
      if (own.mode !== 'push')
        void pullOffers(http, listener, { wanted: mustPull, freeSlots: attempts.freeSlots, held: heldIds });
      void keepBeating();
    },
    drain,
    cancelPlans: attempts.cancelPlans,
    /** A last heartbeat, then away; runners with an attempt go on and are found again. */
    async leave(): Promise<void> {
      await beat().catch(() => undefined);
      push?.close();
      await attempts.leave();
    },
  };
}
