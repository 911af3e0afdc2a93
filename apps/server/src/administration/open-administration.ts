import { type Logger, systemClock } from '@groundcrew/kit';
import { buildModules, type Modules } from '../build-modules.ts';
import { buildPlatform, type Platform } from '../build-platform.ts';
import type { Configuration } from '../configuration.ts';
import { type DatabaseAddress, migrate } from '../platform/database/index.ts';
import { createPlatformMetrics } from '../platform/metrics/index.ts';
import { SERVER_VERSION } from '../version.ts';

/** The server's modules on its database, without anything that listens or runs. */
export interface Administration {
  platform: Platform;
  modules: Modules;
  /** Who does it, for the audit log. */
  by: string;
  close(): Promise<void>;
}

interface OpenOptions {
  configuration: Configuration;
  logger: Logger;
  by: string;
}

/** A few sessions: the servers need theirs. */
const MAX_SESSIONS = 4;

/** Errors: sentences for people, when there is no database or the master key is missing. */
export async function openAdministration({ configuration, logger, by }: OpenOptions): Promise<Administration> {
  const database = await openDatabase(configuration, logger);
  try {
    await migrate(database.address);
    const platform = await buildPlatform({
      configuration: { ...configuration, database_sessions: MAX_SESSIONS },
      address: database.address,
      logger,
      clock: systemClock,
      metrics: createPlatformMetrics(SERVER_VERSION),
      strict: false,
    });
    const modules = buildModules(platform, () => {});
    const close = async () => {
      modules.events.close();
      modules.logs.close();
      await platform.close();
      await database.close();
    };
    return { platform, modules, by, close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The database the server uses: a configured one, the one it runs at the moment, or its own, run by us meanwhile. */
async function openDatabase(
  { database_url, home }: Configuration,
  logger: Logger,
): Promise<{ address: DatabaseAddress; close: () => Promise<void> }> {
  const nothing = async () => {};
  if (database_url !== undefined) return { address: { connectionString: database_url }, close: nothing };
  const { createEmbeddedPostgres, findRunningPostgres } = await import('../platform/embedded-postgres/index.ts');
  const running = await findRunningPostgres(home);
  if (running !== undefined) return { address: running, close: nothing };
  const postgres = createEmbeddedPostgres({ homeDir: home, logger });
  return { address: await postgres.start(), close: () => postgres.stop() };
}
