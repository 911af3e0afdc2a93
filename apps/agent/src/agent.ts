import { join } from 'node:path';
import type { Client } from '@groundcrew/client';
import { type Clock, type Logger, newId } from '@groundcrew/kit';
import type { AttemptId, Heartbeat, HeartbeatAnswer } from '@groundcrew/protocol';
import { createAttempts } from './attempts.ts';
import type { AgentConfiguration } from './configuration/index.ts';
import { decidePull, decideSignOn, decideWishes, type HeldAttempt } from './decisions/index.ts';
import { waitForDisk } from './full-disk.ts';
import { describeHeartbeat } from './heartbeat.ts';
import { createHeartbeats, type HeartbeatRecord } from './heartbeats.ts';
import { acceptByHttp, type HttpLinkDeps, pullOffers, rejectByHttp } from './http-link.ts';
import type { Identity } from './identity.ts';
import type { Link, LinkListener } from './link.ts';
import type { HostLoad } from './load/index.ts';
import { createPushLink, type PushLink } from './push-link.ts';
import type { RunnerStart } from './runner-process.ts';
import { failureOf, type SignOn } from './sign-on.ts';
import type { WorkFolder } from './work-folder.ts';

export interface AgentDeps {
  /** What is in force now; some of it changes while the agent runs, see `applyLimits`. */
  configuration: () => AgentConfiguration;
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
  folder: WorkFolder;
  /** The host's load as last looked at, and what it means for plans. */
  load: () => Pick<HostLoad, 'cpu' | 'memory'>;
  planLimit: () => { limit: number; reason: string | undefined };
  /** Called when something has changed that others on this host may want to know. */
  onChange: () => void;
  /** Called when the agent drains and nothing is left to do; may come more than once. */
  onIdle: () => void;
}

/**
 * One agent: adopts what an earlier one left, signs on, keeps the link, hands offers to runners. It does nothing heavy itself,
 * so that its heartbeats never wait for the work.
 */
export function createAgent(deps: AgentDeps) {
  const { identity, client, signOn, clock, logger, signal } = deps;
  const { resources, agent: own } = deps.configuration();
  let downSince: number | undefined = clock.now();
  let push: PushLink | undefined;
  let totalTasks = 0;
  let pool: string | undefined;
  let error: string | undefined;
  let leaving = false;
  /** Something was to be told to the server while the first sign-on was not answered yet. */
  let isTellingDue = false;

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

  const attempts = createAttempts({
    dir: join(resources.workspace_dir, 'a'),
    start: deps.runner,
    maxConcurrent: resources.max_concurrent_jobs,
    spares: resources.spare_runners,
    link,
    clock,
    logger,
    prefix: newId('').slice(1, 7),
    olderLives: () => deps.folder.olderLives,
    onEnded: (held, { result, exit_code, duration, error_message }) => {
      totalTasks += 1;
      deps.onChange();
      push?.tellEnd({ ...held, result, exitCode: exit_code, duration, errorMessage: error_message });
    },
    onIdle: deps.onIdle,
  });

  /** The server is told at once: every offer that is refused counts against its task. */
  function drain(reason: string): void {
    if (attempts.isDraining()) return;
    attempts.tell({ kind: 'drain', reason });
    deps.onChange();
    void heartbeats.beat();
  }

  const listener: LinkListener = {
    onOffer: async (order) => {
      await attempts.take(order);
      deps.onChange();
    },
    onCancel: ({ attempt_id, level }) => attempts.cancel(attempt_id, level),
    onWatched: (taskId, watched) => attempts.setWatched(taskId, watched),
    onDrain: drain,
    onRefreshCredentials: () =>
      void signOn.signOn().catch((error) => logger.error({ err: error }, 'the token could not be renewed')),
    onDesired: obey,
  };

  function obey(answer: HeartbeatAnswer): void {
    for (const event of decideWishes(answer)) attempts.tell(event);
    if (answer.renew_credentials) listener.onRefreshCredentials();
  }

  async function sendHeartbeat(): Promise<void> {
    const body = describe();
    const overSocket = push?.isUp ? await push.heartbeat(body) : undefined;
    const answer =
      overSocket ??
      (await client.call(
        'heartbeat',
        { params: { id: identity.agentId }, body },
        { timeoutMs: deps.configuration().heartbeat.timeout, retry: 'never', signal },
      ));
    obey(answer);
  }

  function describe(): Heartbeat {
    const figures = { identity, version: deps.version, planLimit: deps.planLimit(), totalTasks, leaving };
    const crew = { held: attempts.list(), draining: attempts.isDraining() };
    return describeHeartbeat({ ...figures, ...crew, now: clock.now() }, deps.load());
  }

  const heartbeats = createHeartbeats({
    send: sendHeartbeat,
    intervalMs: () => deps.configuration().heartbeat.interval,
    clock,
    logger,
    signal,
    onChange: deps.onChange,
  });

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
        downSince = up ? undefined : (downSince ?? clock.now());
      },
    });
  }

  const heldIds = (): AttemptId[] => attempts.list().map((attempt) => attempt.attemptId);
  const mustPull = (): boolean => decidePull(own.mode, downSince, clock.now());

  /** From an older instance beside us: what it took up meanwhile is found when it has gone. */
  async function takeOver(): Promise<void> {
    await deps.folder.tellOlder();
    await deps.folder.alone;
    await attempts.scan();
  }

  /** That answer may be to what was said before the change: then it is said again after it. */
  function tellServer(): void {
    isTellingDue = pool === undefined;
    if (isTellingDue) return;
    signOn
      .tellAnew()
      .then(heartbeats.nudge, (refusal) => logger.error({ err: refusal }, 'the server does not take what has changed'));
  }

  /** False when the agent may not sign on, but stays for the attempts it holds. */
  async function enter(): Promise<boolean> {
    try {
      const { pool_id } = await signOn.signOn();
      pool = pool_id;
      deps.onChange();
      logger.info({ agent_id: identity.agentId, pool_id, server: client.baseUrl }, 'signed on');
      if (isTellingDue) tellServer();
      return true;
    } catch (refusal) {
      if (decideSignOn(failureOf(refusal), attempts.list().length) !== 'drain') throw refusal;
      logger.error({ err: refusal }, 'the server does not let this agent sign on');
      error = `the server does not let this agent sign on: ${refusal instanceof Error ? refusal.message : refusal}`;
      drain('it may not sign on, and stays for the attempts it holds');
      return false;
    }
  }

  return {
    /** Takes over what is there, signs on and starts to work; resolves once the agent is signed on. */
    async start(): Promise<void> {
      await waitForDisk(attempts.scan, { clock, logger, signal });
      attempts.tell({ kind: 'fill_spares' });
      if (!(await enter())) return;
      void signOn.keepFresh();
      if (own.mode !== 'pull') push = openPush();
      if (own.mode !== 'push')
        void pullOffers(http, listener, { wanted: mustPull, freeSlots: attempts.freeSlots, held: heldIds });
      void heartbeats.keepBeating();
      void takeOver().catch((error) => logger.error({ err: error }, 'the older instance is not looked after any more'));
    },
    drain,
    /** A newer instance holds everything that is held here; resolves when nothing is only on its way. */
    handOver: attempts.handOver,
    cancelPlans: (): void => attempts.tell({ kind: 'cancel_plans' }),
    /** The limits have changed: slots count from the next offer on, and the server hears of it. */
    applyLimits({ resources: { max_concurrent_jobs, spare_runners } }: AgentConfiguration): void {
      attempts.tell({ kind: 'limits', maxConcurrent: max_concurrent_jobs, sparesWanted: spare_runners });
    },
    /** What the agent says of itself at its sign-on has changed. */
    tellServer,
    /** The server should hear of something soon, or the heartbeat's interval has changed. */
    nudge: heartbeats.nudge,
    report: (): AgentReport => ({
      pool,
      error: error ?? signOn.closedBecause(),
      held: attempts.list(),
      totalTasks,
      draining: attempts.isDraining(),
      heartbeats: heartbeats.record(),
    }),
    /** A last heartbeat, then away; runners with an attempt go on and are found again. */
    async leave(): Promise<void> {
      leaving = true;
      if (pool !== undefined) await heartbeats.beat();
      push?.close();
      await attempts.leave();
    },
  };
}
export type Agent = ReturnType<typeof createAgent>;

/** How an agent is, for others on its host. */
export interface AgentReport {
  /** Undefined until it has signed on. */
  pool: string | undefined;
  /** Why it cannot work. */
  error: string | undefined;
  held: readonly HeldAttempt[];
  totalTasks: number;
  draining: boolean;
  heartbeats: HeartbeatRecord;
}
