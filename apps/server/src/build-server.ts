import { type Clock, type Logger, systemClock } from '@groundcrew/kit';
import { buildModules } from './build-modules.ts';
import { buildPlatform } from './build-platform.ts';
import { type Configuration, findTls } from './configuration.ts';
import { startLoops } from './loops.ts';
import type { DatabaseAddress } from './platform/database/index.ts';
import { addHealthRoutes, createDatabaseCheck, createHealth, type Health } from './platform/health/index.ts';
import {
  addDocs,
  addRequestLog,
  createHttp,
  createRequestScope,
  type Handlers,
  type RequestScope,
} from './platform/http/index.ts';
import type { Loop } from './platform/loops/index.ts';
import { addHttpMetrics, createPlatformMetrics, type PlatformMetrics } from './platform/metrics/index.ts';
import { addSocketHints } from './platform/sockets/index.ts';
import { SERVER_VERSION } from './version.ts';

export interface ServerOptions {
  configuration: Configuration;
  /** A migrated database. */
  address: DatabaseAddress;
  logger: Logger;
  clock?: Clock;
  /** Made before, when what happens during the start is to count as well. */
  metrics?: PlatformMetrics;
  /** Made before, when somebody is told of the start while it goes on. */
  health?: Health;
  /** The one whose fields `logger` has in its lines; a new one, which no logger asks, when not given. */
  requestScope?: RequestScope;
  /** Holds every answer against its schema and every statement to its transaction. For tests and development; off when not given. */
  strict?: boolean;
  /** Reads `master_key` again; see `PlatformOptions`. */
  readMasterKey?: () => string | undefined;
}

/** Builds the whole server on a migrated database; nothing listens or runs until it is told to. */
export async function buildServer({
  configuration,
  address,
  logger,
  clock = systemClock,
  metrics = createPlatformMetrics(SERVER_VERSION),
  health = createHealth(),
  requestScope = createRequestScope(),
  strict = false,
  readMasterKey,
}: ServerOptions) {
  const platform = await buildPlatform({ configuration, address, logger, clock, metrics, strict, readMasterKey });
  let running: Loop[] = [];
  let dispatcher: Loop | undefined;
  const modules = buildModules(platform, () => dispatcher?.wake());
  const http = createHttp({
    logger,
    clock,
    handlers: modules.handlers as Handlers,
    authenticators: modules.authenticators,
    findPlace: modules.identity.findPlace,
    idempotency: platform.idempotency,
    isTrustedProxy: platform.isTrustedProxy,
    checkAnswers: strict,
    tls: findTls(configuration.tls),
  });
  addRequestLog(http.app, requestScope, logger);
  health.dependOn(createDatabaseCheck(platform.db));
  addHealthRoutes(http.app, health);
  addHttpMetrics(http.app, metrics.registry);
  modules.metrics.addRoute(http.app, configuration.metrics.token);
  addSocketHints(http.app);
  addDocs(http.app, SERVER_VERSION);
  platform.hub.attach(http.server);

  /** So that a backup from before is older than what this home has seen, however short before it was made. */
  async function sayLastWord(): Promise<void> {
    await modules.tasks.keeper.keepAlive().catch((error) => logger.warn({ err: error }, 'the last word was not kept'));
  }

  return {
    modules,
    platform,
    http,
    health,
    /** Starts the loops, which is the last part of the start. What was missed while no server ran is put right before anything else is decided. */
    async start(): Promise<void> {
      await modules.tasks.keeper.keepAlive();
      void platform.bus.start();
      ({ loops: running, dispatcher } = startLoops(platform, modules));
      health.started();
    },
    /** Takes no more requests, tells sockets to come back, ends the loops and the sessions with the database. */
    async close(): Promise<void> {
      health.draining();
      await platform.hub.close();
      await http.close();
      await Promise.all(running.map((loop) => loop.stop()));
      if (running.length > 0) await sayLastWord();
      modules.events.close();
      modules.logs.close();
      await platform.close();
      metrics.close();
    },
  };
}
export type Server = Awaited<ReturnType<typeof buildServer>>;
