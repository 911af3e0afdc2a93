import type { Modules } from './build-modules.ts';
import type { Platform } from './build-platform.ts';
import { type Loop, type LoopSpec, startLoop } from './platform/loops/index.ts';

/** Bytes that nothing refers to may belong to an upload that is still under way. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;
const SWEEP_BLOBS = 100;
/** Whoever looks at a task just after its end reads its log from the database. */
const ARCHIVE_AFTER_SECONDS = 600;
/** How long an entry of the audit log may stand without its place in the chain. Nobody waits for it. */
const SEAL_AUDIT_MS = 1_000;

/** How often it is looked for agents that have fallen silent. */
const HEARTBEATS_EVERY_MS = 5_000;

/** Everything the server does without being asked. */
export function startLoops(
  platform: Platform,
  { tasks, agents, audit, events, identity, logs, metrics, figures }: Modules,
): { loops: Loop[]; dispatcher: Loop } {
  const { db, blobs, clock, idempotency, configuration, keys, leadership, logger } = platform;
  const { intervals } = configuration;
  const start = (spec: LoopSpec): Loop =>
    startLoop(spec, { leadership, logger, clock, onRound: platform.metrics.loopRound });

  // Any replica may give work away: the pass itself takes turns with those of other replicas.
  const dispatcher = start({
    name: 'dispatcher',
    intervalMs: intervals.dispatch,
    exclusive: false,
    run: async () => void (await tasks.dispatcher.pass()),
  });

  let keptAt = Number.NEGATIVE_INFINITY;
  /** Deadlines are moved after an outage before any of them is applied, also when it was this process that stood still. */
  async function keepLeases(): Promise<void> {
    if (clock.now() - keptAt >= figures.keeperEveryMs) {
      await tasks.keeper.keepAlive();
      keptAt = clock.now();
    }
    await tasks.keeper.sweep();
    await tasks.keeper.tellLostContact();
  }
  const keeper = start({
    name: 'lease-keeper',
    intervalMs: Math.min(intervals.deadlines, figures.keeperEveryMs),
    exclusive: false,
    run: keepLeases,
  });

  const offers = start({
    name: 'unsent-offers',
    intervalMs: intervals.dispatch,
    exclusive: false,
    run: agents.sendUnsent,
  });

  const auditSealer = start({
    name: 'audit-sealer',
    intervalMs: SEAL_AUDIT_MS,
    exclusive: false,
    run: async () => {
      await audit.sealer.seal({ wait: false });
      await audit.witness.look();
    },
  });

  const archiver = start({
    name: 'log-archiver',
    intervalMs: intervals.sweep,
    exclusive: true,
    run: async () => void (await logs.service.archiveFinished(ARCHIVE_AFTER_SECONDS)),
  });

  async function sweep(): Promise<void> {
    await events.sweep();
    await idempotency.sweep();
    await identity.sweep();
    await blobs.sweep(db, new Date(clock.now() - ABANDONED_AFTER_MS), SWEEP_BLOBS);
  }
  const sweeper = start({ name: 'sweeper', intervalMs: intervals.sweep, exclusive: true, run: sweep });

  const heartbeats = start({
    name: 'heartbeat-watch',
    intervalMs: HEARTBEATS_EVERY_MS,
    exclusive: true,
    run: metrics.watchHeartbeats,
  });

  /** Goes on with what a rotation of data keys began, whoever began it. */
  async function resealRotated(): Promise<void> {
    const result = await keys.resealIfAsked();
    if (result === undefined || (result.done === 0 && result.unopened.length === 0)) return;
    logger.info(result, 'sealed with the current data keys what retired ones had sealed');
  }
  const resealer = start({ name: 'resealer', intervalMs: intervals.sweep, exclusive: true, run: resealRotated });

  return { dispatcher, loops: [dispatcher, keeper, offers, auditSealer, archiver, sweeper, heartbeats, resealer] };
}
