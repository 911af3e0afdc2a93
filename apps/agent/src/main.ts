import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createNodeClient } from '@groundcrew/client/node';
import { ConfigError, createLogger, LEAN_NODE, type Logger, systemClock } from '@groundcrew/kit';
import { type Register, RUNNER_LINK_VERSION } from '@groundcrew/protocol';
import { findInstalled, findOnPath } from '@groundcrew/terraform';
import { createAgent } from './agent.ts';
import { type AgentConfiguration, readAgentConfiguration } from './configuration.ts';
import { waitForDisk } from './full-disk.ts';
import { type Identity, readIdentity } from './identity.ts';
import type { RunnerStart } from './runner-process.ts';
import { createSignOn } from './sign-on.ts';
import { TAKEN_OVER_SIGNAL, takeWorkFolder, type WorkFolder } from './work-folder.ts';

const VERSION = '0.1.0';

/** Reads the configuration, takes the work folder, signs on and works until told to leave. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { replace: { type: 'boolean' } }, allowPositionals: true });
  const configuration = readAgentConfiguration(positionals[0], process.env);
  const { workspace_dir, runner_uid } = configuration.resources;
  const logger = createLogger({
    name: 'agent',
    level: configuration.logging.level,
    ...(configuration.logging.file === '' ? {} : { destination: configuration.logging.file }),
  });
  const leaving = new AbortController();
  const deps = { clock: systemClock, logger, signal: leaving.signal };
  const options = { replace: values.replace === true, isShared: runner_uid !== undefined, ...deps };
  const folder = await waitForDisk(() => takeWorkFolder(workspace_dir, options), deps);
  const identity = await waitForDisk(() => readIdentity(folder.path, configuration.agent.agent_id), deps);
  await run(configuration, logger, folder, identity, leaving);
}

async function run(
  configuration: AgentConfiguration,
  logger: Logger,
  folder: WorkFolder,
  identity: Identity,
  leaving: AbortController,
): Promise<void> {
  const { agent: own } = configuration;
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
    folder,
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

/**
 * SIGINT leaves at once: runners go on and are found again. SIGTERM drains; a second one cancels plans, never an apply. A newer
 * instance that has taken over everything makes this one leave as soon as no accept is under way.
 */
function listenForSignals(agent: ReturnType<typeof createAgent>, leave: (reason: string) => Promise<void>): void {
  let terms = 0;
  process.on('SIGINT', () => void leave('SIGINT'));
  process.on(TAKEN_OVER_SIGNAL, () => void agent.handOver().then(() => leave('a newer instance has taken over')));
  process.on('SIGTERM', () => {
    terms += 1;
    if (terms === 1) agent.drain('SIGTERM');
    else agent.cancelPlans();
  });
}

/** What the agent says of itself; asked anew each time, since versions get installed. */
async function describe(
  configuration: AgentConfiguration,
  { agentId, machineId, bootId, folderId, instance }: Identity,
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
    folder_id: folderId,
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
