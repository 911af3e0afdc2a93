import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { brokerSocket, createClusterBroker } from './postgres/broker.ts';
import { startTestCluster } from './postgres/test-cluster.ts';
import { createRunFolder } from './run-folder.ts';

/**
 * For vitest's `globalSetup`: gives the run a folder, and lends it a PostgreSQL, embedded or the one at
 * `GROUNDCREW_TEST_PG_URL`; both are taken away at the end. Killed, the run takes its PostgreSQL with it.
 */
export async function setup(): Promise<() => Promise<void>> {
  const folder = createRunFolder();
  const homeDir = join(folder.path, 'pg');
  mkdirSync(homeDir);
  const start = () => startTestCluster(homeDir, process.env.GROUNDCREW_TEST_PG_URL);
  const broker = await createClusterBroker(brokerSocket(folder.path), start);
  return async () => {
    await broker.close();
    folder.remove();
  };
}
