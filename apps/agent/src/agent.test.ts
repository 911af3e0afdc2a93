import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@groundcrew/client';
import { createLogger, systemClock } from '@groundcrew/kit';
import type { Register } from '@groundcrew/protocol';
import { createTemporaryFolder, waitFor } from '@groundcrew/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createAgent } from './agent.ts';
import { type AgentConfiguration, readAgentConfiguration } from './configuration/index.ts';
import { createRunnerStart } from './runner-start.ts';
import { createSignOn } from './sign-on.ts';

/** A server that answers a sign-on when it is told to, and every heartbeat. */
function createServerSide() {
  const signOns: Register[] = [];
  const answers: (() => void)[] = [];
  const call = async (name: string, { body }: { body: Register }): Promise<unknown> => {
    if (name !== 'registerAgent') return {};
    signOns.push(body);
    await new Promise<void>((resolve) => void answers.push(resolve));
    return { pool_id: 'pool-1', token: 'token', expires_at: '', expires_in_seconds: 3_600 };
  };
  return {
    signOns,
    answer: () => answers.shift()?.(),
    client: { baseUrl: 'http://server', call } as unknown as Client,
  };
}

function startAgent(client: Client) {
  const folder = createTemporaryFolder('agent');
  const leaving = new AbortController();
  onTestFinished(() => {
    leaving.abort();
    folder.remove();
  });
  mkdirSync(join(folder.path, 'a'));
  let configuration: AgentConfiguration = readAgentConfiguration(undefined, {
    SERVER_URL: 'http://127.0.0.1:1',
    AGENT_TOKEN: 'apt_x',
    GROUNDCREW_AGENT_MODE: 'push',
    GROUNDCREW_RESOURCES_WORKSPACE_DIR: folder.path,
    GROUNDCREW_RESOURCES_SPARE_RUNNERS: '0',
  });
  const base = { clock: systemClock, logger: createLogger({ name: 'test', level: 'silent' }), signal: leaving.signal };
  const body = async () => ({ labels: [...configuration.labels] }) as Register;
  const socket = () => ({ isUp: false, send: () => false, close: () => {} });
  const agent = createAgent({
    ...base,
    configuration: () => configuration,
    identity: { agentId: 'host-1', machineId: '', bootId: '', folderId: '', instance: 1 },
    version: '0',
    client: { ...client, socket } as unknown as Client,
    signOn: createSignOn({ ...base, client, body, onWaiting: () => {} }),
    runner: createRunnerStart(() => configuration),
    folder: { path: folder.path, olderLives: false, tellOlder: async () => {}, alone: Promise.resolve() },
    load: () => ({ cpu: 0, memory: 0 }),
    planLimit: () => ({ limit: 3, reason: undefined }),
    onChange: () => {},
    onIdle: () => {},
  });
  const relabel = (...labels: string[]): void => {
    configuration = { ...configuration, labels };
    agent.tellServer();
  };
  return { agent, relabel };
}

test('what changes while the first sign-on is under way is told to the server after it', async () => {
  const { signOns, answer, client } = createServerSide();
  const { agent, relabel } = startAgent(client);
  const started = agent.start();
  await waitFor('the sign-on', () => signOns.length === 1 || undefined);
  relabel('late');
  answer();
  await started;
  await waitFor('another one', () => signOns.length === 2 || undefined);
  expect(signOns.map(({ labels }) => labels)).toEqual([[], ['late']]);
  answer();
});
