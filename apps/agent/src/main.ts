import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeClient } from '@groundcrew/client/node';
import { ConfigError, createLogger, LEAN_NODE, type Logger, systemClock, tryLockFile } from '@groundcrew/kit';
import { type Register, RUNNER_LINK_VERSION } from '@groundcrew/protocol';
import { findInstalled, findOnPath } from '@groundcrew/terraform';
import { createAgent } from './agent.ts';
import { type AgentConfiguration, readAgentConfiguration } from './configuration.ts';
import { type Identity, readIdentity } from './identity.ts';
import type { RunnerStart } from './runner-process.ts';
import { createSignOn } from './sign-on.ts';

const VERSION = '0.1.0';

/** Reads the configuration, takes the work folder, signs on and works until told to leave. */
async function main(): Promise<void> {
  const configuration = readAgentConfiguration(process.argv[2], process.env);
  const { workspace_dir } = configuration.resources;
  const logger = createLogger({
    name: 'agent',
    level: configuration.logging.level,
    ...(configuration.logging.file === '' ? {} : { destination: configuration.logging.file }),
  });
  await makeWorkFolder(workspace_dir, configuration.resources.runner_uid !== undefined);
  const lock = await tryLockFile(join(workspace_dir, 'agent.lock'), 5_000);
  if (lock === undefined)
    throw new Error(
      `Another agent already works in ${workspace_dir}; stop it, or give this one another resources.workspace_dir.`,
    );
  await run(configuration, logger, await readIdentity(workspace_dir, configuration.agent.agent_id));
}

/** Other users' runners pass through to their own folders, and see nothing on the way. */
async function makeWorkFolder(workDir: string, isShared: boolean): Promise<void> {
  for (const path of [workDir, join(workDir, 'a')]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (isShared) await chmod(path, 0o711);
  }
}

async function run(configuration: AgentConfiguration, logger: Logger, identity: Identity): Promise<void> {
  const { agent: own } = configuration;
  const leaving = new AbortController();
  const connection = {
    baseUrl: own.server_url,
    caFile: own.ca_file,
    allowInsecure: own.allow_insecure,
    userAgent: `groundcrew-agent/${VERSION}`,
  };
  const signOn = createSignOn({
    client: createNodeClient({ ...connection, token: own.token }),
    body: () => describe(configuration, identity),
    clock: systemClock,
    logger,
    signal: leaving.signal,
  });
  const client = createNodeClient({ ...connection, token: signOn.token });
  const agent = createAgent({
    configuration,
    identity,
    version: VERSION,
    client,
    signOn,
    runner: runnerStart(configuration),
    clock: systemClock,
    logger,
    signal: leaving.signal,
    onIdle: () => void leave('idle after draining'),
  });

  let left: Promise<void> | undefined;
  function leave(reason: string): Promise<void> {
    left ??= (async () => {
      logger.info({ reason }, 'leaving; runners with an attempt go on');
      await Promise.race([agent.leave(), systemClock.sleep(5_000)]);
      leaving.abort(new Error(reason));
      process.exit(0);
    })();
    return left;
  }
  listenForSignals(agent, leave);
  await agent.start();
}

/** SIGINT leaves at once: runners go on and are found again. SIGTERM drains; a second one cancels plans, never an apply. */
function listenForSignals(agent: ReturnType<typeof createAgent>, leave: (reason: string) => Promise<void>): void {
  let terms = 0;
  process.on('SIGINT', () => void leave('SIGINT'));
  process.on('SIGTERM', () => {
    terms += 1;
    if (terms === 1) agent.drain('SIGTERM');
    else agent.cancelPlans();
  });
}

/** What the agent says of itself; asked anew each time, since versions get installed. */
async function describe(
  configuration: AgentConfiguration,
  { agentId, machineId, bootId, instance }: Identity,
): Promise<Register> {
  const { agent: own, capabilities, resources, labels } = configuration;
  const onPath = await findOnPath(pathOf(configuration), { cacheDir: join(resources.workspace_dir, 'probe') });
  const tools = [...onPath.tools, ...(await findInstalled(join(resources.workspace_dir, 'versions')))];
  const versions = (tool: 'terraform' | 'tofu') =>
    tools.filter((found) => found.tool === tool).map((found) => found.version);
  return {
    name: own.name ?? hostname(),
    agent_id: agentId,
    ...(own.pool_id === undefined ? {} : { pool_id: own.pool_id as NonNullable<Register['pool_id']> }),
    version: VERSION,
    labels: [...labels],
    capabilities: {
      terraform_versions: [...new Set([...versions('terraform'), ...capabilities.terraform_versions])],
      tofu_versions: [...new Set(versions('tofu'))],
      installs_versions: capabilities.install_versions,
      providers: [...capabilities.providers],
    },
    limits: { max_concurrent_jobs: resources.max_concurrent_jobs },
    machine_id: machineId,
    boot_id: bootId,
    instance,
  };
}

const pathOf = ({ resources }: AgentConfiguration): string =>
  resources.path ?? process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';

function runnerStart(configuration: AgentConfiguration): RunnerStart {
  const { agent: own, capabilities, resources, logging } = configuration;
  const { runner_uid: uid, runner_gid: gid } = resources;
  if (uid !== undefined && process.getuid?.() !== 0)
    throw new Error('resources.runner_uid needs an agent that runs as root; start it as root or leave the key out.');
  return {
    command: [process.execPath, ...LEAN_NODE.flags, runnerEntry()],
    users: uid === undefined ? undefined : { firstUid: uid, gid },
    birth: {
      link_version: RUNNER_LINK_VERSION,
      server_url: own.server_url,
      ca_file: own.ca_file === '' ? null : own.ca_file,
      allow_insecure: own.allow_insecure,
      versions_dir: join(resources.workspace_dir, 'versions'),
      path: pathOf(configuration),
      install: {
        enabled: capabilities.install_versions,
        terraform_url: capabilities.terraform_url ?? null,
        tofu_url: capabilities.tofu_url ?? null,
        key_file: capabilities.key_file ?? null,
      },
      log_level: logging.level,
    },
  };
}

/** The runner's bundle beside ours, or its source when we run from source. */
function runnerEntry(): string {
  const bundled = fileURLToPath(new URL('../runner/main.mjs', import.meta.url));
  return existsSync(bundled) ? bundled : fileURLToPath(new URL('../../runner/src/main.ts', import.meta.url));
}

main().catch((error: unknown) => {
  const message = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
  process.exit();
});
