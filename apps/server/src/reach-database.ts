import type { Logger } from '@groundcrew/kit';
import type { Configuration } from './configuration.ts';
import type { DatabaseAddress } from './platform/database/index.ts';

/**
 * The database the server uses, for commands beside it or without it: a configured one, the one it runs at the moment, or its
 * own, run by us until `close`.
 */
export async function reachDatabase(
  { database_url, home }: Configuration,
  logger: Logger,
): Promise<{ address: DatabaseAddress; close: () => Promise<void> }> {
  const nothing = async () => {};
  if (database_url !== undefined) return { address: { connectionString: database_url }, close: nothing };
  const { createEmbeddedPostgres, findRunningPostgres } = await import('./platform/embedded-postgres/index.ts');
  const running = await findRunningPostgres(home);
  if (running !== undefined) return { address: running, close: nothing };
  const postgres = createEmbeddedPostgres({ homeDir: home, logger });
  return { address: await postgres.start(), close: () => postgres.stop() };
}
