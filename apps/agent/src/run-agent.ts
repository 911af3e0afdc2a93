import { createNodeClient } from '@groundcrew/client/node';
import { giveBackMemory, type Logger, systemClock } from '@groundcrew/kit';
import { type Agent, createAgent } from './agent.ts';
import { type LiveConfiguration, TOLD_KEYS } from './configuration/index.ts';
import { type ConditionFacts, decideCondition } from './decisions/index.ts';
import { describeAgent, nameOf } from './describe-agent.ts';
import type { Identity } from './identity.ts';
import { createLoadMeter, createOwnUsage, createPlanGovernor, type PlanGovernor } from './load/index.ts';
import { type LocalFacts, type LocalSide, openLocalSide } from './local/index.ts';
import { createRunnerStart } from './runner-start.ts';
import { createSignOn } from './sign-on.ts';
import { sleepQuietly } from './wait.ts';
import { TAKEN_OVER_SIGNAL, type WorkFolder } from './work-folder.ts';

export interface RunAgentDeps {
  live: LiveConfiguration;
  logger: Logger;
  folder: WorkFolder;
  identity: Identity;
  /** Aborted when the agent has left. */
  leaving: AbortController;
  version: string;
}

/** How long the last words to server and daemon may take. */
const LAST_WORDS_MS = 5_000;
/** Signed on, the socket up, the first heartbeats answered, a spare runner started. */
const SETTLED_AFTER_MS = 2_000;

/** Puts the agent together with what it tells on its own host, and runs it until it leaves; then the process ends. */
export async function runAgent(deps: RunAgentDeps): Promise<void> {
  const { live, logger, leaving } = deps;
  const stage: Stage = { leaving: 'no', error: undefined };
  const base = { clock: systemClock, logger, signal: leaving.signal };
  let local: LocalSide | undefined;
  const governor = createPlanGovernor({
    ...base,
    meter: createLoadMeter(),
    configuration: () => live.current,
    plansRunning: () => agent.report().held.filter(({ action }) => action === 'plan').length,
    onMoved: () => agent.nudge(),
  });
  const agent = buildAgent(deps, governor, {
    onChange: () => local?.nudge(),
    onIdle: () => void leave('idle after draining'),
  });

  let left: Promise<void> | undefined;
  function leave(reason: string): Promise<void> {
    left ??= (async () => {
      logger.info({ reason }, 'leaving; runners with an attempt go on');
      stage.leaving = 'stopping';
      await Promise.race([Promise.all([agent.leave(), local?.sayGoodbye()]), systemClock.sleep(LAST_WORDS_MS)]);
      stage.leaving = 'stopped';
      local?.close();
      leaving.abort(new Error(reason));
      process.exit(0);
    })();
    return left;
  }

  listenForSignals(agent, leave);
  followConfiguration(live, agent, governor);
  local = await openLocalSide({
    ...base,
    live,
    facts: createFacts(deps, agent, governor, stage),
    olderLives: () => deps.folder.olderLives,
    onStop: (now) => (now ? void leave('the daemon asked for it') : agent.drain('the daemon asked for it')),
  });
  void governor.keepMeasuring();
  try {
    await agent.start();
  } catch (error) {
    stage.error = error instanceof Error ? error.message : String(error);
    stage.leaving = 'stopped';
    local.close();
    throw error;
  }
  await sleepQuietly(systemClock, SETTLED_AFTER_MS, leaving.signal);
  giveBackMemory();
}

/** How far the leaving is, and what the agent died of. */
type Stage = Pick<ConditionFacts, 'leaving' | 'error'>;

function buildAgent(
  { live, logger, folder, identity, leaving, version }: RunAgentDeps,
  governor: PlanGovernor,
  listeners: { onChange: () => void; onIdle: () => void },
): Agent {
  const { agent: own } = live.current;
  const base = { clock: systemClock, logger, signal: leaving.signal };
  const connection = {
    baseUrl: own.server_url,
    caFile: own.ca_file,
    allowInsecure: own.allow_insecure,
    userAgent: `groundcrew-agent/${version}`,
  };
  const signOn = createSignOn({
    ...base,
    client: createNodeClient({ ...connection, token: () => live.current.agent.token }),
    body: () => describeAgent(live.current, identity, version),
    onWaiting: listeners.onChange,
  });
  return createAgent({
    ...base,
    ...listeners,
    configuration: () => live.current,
    identity,
    version,
    client: createNodeClient({ ...connection, token: signOn.token }),
    signOn,
    runner: createRunnerStart(() => live.current),
    folder,
    load: governor.load,
    planLimit: governor.limit,
  });
}

/** Puts a new configuration in force: each key where it counts, and at the server where that has to know. */
function followConfiguration(live: LiveConfiguration, agent: Agent, governor: PlanGovernor): void {
  live.onChange((current, changed) => {
    agent.applyLimits(current);
    governor.reconsider();
    if ([...changed].some((key) => TOLD_KEYS.has(key))) agent.tellServer();
    else agent.nudge();
  });
}

function createFacts(
  { live, identity, version }: RunAgentDeps,
  agent: Agent,
  governor: PlanGovernor,
  stage: Stage,
): () => Omit<LocalFacts, 'http' | 'since' | 'configuration'> {
  const ownUsage = createOwnUsage();
  const startedAt = systemClock.now();
  return () => {
    const { current } = live;
    const now = systemClock.now();
    const report = agent.report();
    const { condition, unhealthy } = decideCondition({
      leaving: stage.leaving,
      error: stage.error ?? report.error,
      signedOn: report.pool !== undefined,
      draining: report.draining,
      held: report.held.length,
      failedInARow: report.heartbeats.failedInARow,
      uptimeMs: now - startedAt,
      heartbeatIntervalMs: current.heartbeat.interval,
    });
    return {
      agentId: identity.agentId,
      name: nameOf(current),
      version,
      instance: identity.instance,
      pid: process.pid,
      startedAt,
      now,
      condition,
      unhealthy,
      report,
      maxConcurrent: current.resources.max_concurrent_jobs,
      planLimit: governor.limit(),
      load: governor.load(),
      usage: ownUsage(),
    };
  };
}

/**
 * SIGINT leaves at once: runners go on and are found again. SIGTERM drains; a second one cancels plans, never an apply. A newer
 * instance that has taken over everything makes this one leave as soon as no accept is under way.
 */
function listenForSignals(agent: Agent, leave: (reason: string) => Promise<void>): void {
  let terms = 0;
  process.on('SIGINT', () => void leave('SIGINT'));
  process.on(TAKEN_OVER_SIGNAL, () => void agent.handOver().then(() => leave('a newer instance has taken over')));
  process.on('SIGTERM', () => {
    terms += 1;
    if (terms === 1) agent.drain('SIGTERM');
    else agent.cancelPlans();
  });
}
