import type { TestProject } from 'vitest/node';
import { createClusterBroker } from './postgres/broker.ts';
import { startTestCluster } from './postgres/test-cluster.ts';

/**
 * For vitest's `globalSetup`: lends the run a PostgreSQL, embedded or the one at `GROUNDCREW_TEST_PG_URL`, and takes it away
 * at the end. Killed, the run takes its PostgreSQL with it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await createClusterBroker(() => startTestCluster(process.env.GROUNDCREW_TEST_PG_URL));
  project.provide('clusterBroker', broker.socketPath);
  return broker.close;
}
