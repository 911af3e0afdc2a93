import { createAgent } from '@groundcrew/agent/agent';
import type { AgentConfiguration } from '@groundcrew/agent/configuration';
import { readIdentity } from '@groundcrew/agent/identity';
import { takeWorkFolder } from '@groundcrew/agent/work-folder';
import { systemClock } from '@groundcrew/kit';
import type { RunnerBirth } from '@groundcrew/protocol';
import { AGENT_TOKEN_PREFIX } from '../server/server.ts';
import { createNodeClient } from '../stand-ins/client-node.ts';
import type { Program } from './child-process.ts';
import { createTraceLogger } from './runner-program.ts';

const SERVER_URL = 'http://127.0.0.1:1';
export const WORK_FOLDER = '/work';

const BIRTH: RunnerBirth = {
  link_version: 1,
  server_url: SERVER_URL,
  ca_file: null,
  allow_insecure: true,
  versions_dir: '/versions',
  path: '/bin',
  install: { enabled: false, terraform_url: null, tofu_url: null, key_file: null },
  log_level: 'info',
};

/** The product's agent in mode `pull`, whole but for its configuration and its sign-on, which are given. */
export const agentProgram: Program = async ({ process }) => {
  const { host } = process;
  const logger = createTraceLogger(process, 'agent');
  const leaving = new AbortController();
  const how = { replace: false, isShared: false, clock: systemClock, logger, signal: leaving.signal };
  const folder = await takeWorkFolder(WORK_FOLDER, how);
  const client = createNodeClient({
    baseUrl: SERVER_URL,
    token: `${AGENT_TOKEN_PREFIX}${host.name}`,
    clock: systemClock,
    random: host.world.dice.fork(`agent ${host.name} ${process.pid}`).next,
  });
  const configuration = configurationOf(host.name);
  const agent = createAgent({
    configuration: () => configuration,
    identity: await readIdentity(folder.path, host.name),
    version: '0.1.0',
    client,
    signOn: {
      signOn: async () => ({ pool_id: 'pool-simulated' }),
      keepFresh: async () => {},
      token: () => '',
    } as never,
    runner: { command: ['/bin/runner'], birth: BIRTH, users: undefined },
    clock: systemClock,
    logger,
    signal: leaving.signal,
    folder,
    // Its load is shown to people and decides nothing here.
    load: () => ({ cpu: 0, memory: 0 }),
    planLimit: () => ({ limit: configuration.resources.max_concurrent_jobs, reason: undefined }),
    onChange: () => {},
    onIdle: () => {},
  });
  await agent.start();
  return new Promise(() => {});
};

const configurationOf = (name: string): AgentConfiguration =>
  ({
    agent: { name, mode: 'pull', server_url: SERVER_URL },
    resources: { max_concurrent_jobs: 3, workspace_dir: WORK_FOLDER, spare_runners: 0 },
    heartbeat: { interval: 30_000, timeout: 10_000 },
  }) as unknown as AgentConfiguration;
