import { type Logger, systemClock } from '@groundcrew/kit';
import { buildModules, type Modules } from '../build-modules.ts';
import { buildPlatform, type Platform } from '../build-platform.ts';
import type { Configuration } from '../configuration.ts';
import { migrate } from '../platform/database/index.ts';
import { createPlatformMetrics } from '../platform/metrics/index.ts';
import { reachDatabase } from '../reach-database.ts';
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
  const database = await reachDatabase(configuration, logger);
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
