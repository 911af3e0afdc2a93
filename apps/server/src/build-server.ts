import { type Clock, type Logger, systemClock } from '@groundcrew/kit';
import { buildModules } from './build-modules.ts';
import { buildPlatform } from './build-platform.ts';
import type { Configuration } from './configuration.ts';
import { startLoops } from './loops.ts';
import type { DatabaseAddress } from './platform/database/index.ts';
import { addDocs, createHttp, type Handlers } from './platform/http/index.ts';
import type { Loop } from './platform/loops/index.ts';
import { addSocketHints } from './platform/sockets/index.ts';
import { SERVER_VERSION } from './version.ts';

export interface ServerOptions {
  configuration: Configuration;
  /** A migrated database. */
  address: DatabaseAddress;
  logger: Logger;
  clock?: Clock;
  /** Holds every answer against its schema and every statement to its transaction. For tests and development; off when not given. */
  strict?: boolean;
}

/** Builds the whole server on a migrated database; nothing listens or runs until it is told to. */
export async function buildServer({
  configuration,
  address,
  logger,
  clock = systemClock,
  strict = false,
}: ServerOptions) {
  const platform = await buildPlatform({ configuration, address, logger, clock, strict });
  let running: Loop[] = [];
  let dispatcher: Loop | undefined;
  const modules = buildModules(platform, () => dispatcher?.wake());
  const { tls } = configuration;
  const http = createHttp({
    logger,
    clock,
    handlers: modules.handlers as Handlers,
    authenticators: modules.authenticators,
    findPlace: modules.identity.findPlace,
    idempotency: platform.idempotency,
    isTrustedProxy: platform.isTrustedProxy,
    checkAnswers: strict,
    tls:
      tls.cert_file !== undefined && tls.key_file !== undefined
        ? { certFile: tls.cert_file, keyFile: tls.key_file }
        : undefined,
  });
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
    /** Starts the loops. What was missed while no server ran is put right before anything else is decided. */
    async start(): Promise<void> {
      await modules.tasks.keeper.keepAlive();
      void platform.bus.start();
      ({ loops: running, dispatcher } = startLoops(platform, modules));
    },
    /** Takes no more requests, tells sockets to come back, ends the loops and the sessions with the database. */
    async close(): Promise<void> {
      await platform.hub.close();
      await http.close();
      await Promise.all(running.map((loop) => loop.stop()));
      if (running.length > 0) await sayLastWord();
      modules.events.close();
      modules.logs.close();
      await platform.close();
    },
  };
}
export type Server = Awaited<ReturnType<typeof buildServer>>;
