import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DatabaseAddress } from '@groundcrew/server/platform/database';
import type { TestCluster } from './test-cluster.ts';

/** What test processes are told. */
export interface ClusterInfo {
  address: DatabaseAddress;
  template: string;
}

/** Where the broker of a run listens. */
export const brokerSocket = (runFolder: string): string => join(runFolder, 'broker');

type Answer = { cluster: ClusterInfo } | { error: string };

/** Stands between the test run, which owns the one PostgreSQL, and its test processes. */
interface ClusterBroker {
  close(): Promise<void>;
}

/** Starts the cluster when a test asks for the first time: a run without database tests never pays for it. */
export async function createClusterBroker(
  socketPath: string,
  start: () => Promise<TestCluster>,
): Promise<ClusterBroker> {
  let cluster: Promise<TestCluster> | undefined;

  async function answer(socket: Socket): Promise<void> {
    // One that was killed while it waited is no concern of ours.
    socket.on('error', () => {});
    cluster ??= start();
    const reply = await cluster.then(toAnswer, (error: unknown): Answer => ({ error: String(error) }));
    socket.end(JSON.stringify(reply));
  }

  const server = createServer((socket) => void answer(socket));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve));
  return {
    async close() {
      server.close();
      await (await cluster?.catch(() => undefined))?.stop();
    },
  };
}

const toAnswer = ({ address, template }: TestCluster): Answer => ({ cluster: { address, template } });

/** Asks the broker of the run, which starts the cluster if need be. */
export async function askBroker(socketPath: string): Promise<ClusterInfo> {
  const socket = connect(socketPath);
  const answer = JSON.parse(await text(socket)) as Answer;
  if ('error' in answer) throw new Error(`The test run has no PostgreSQL: ${answer.error}`);
  return answer.cluster;
}
