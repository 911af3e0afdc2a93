import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, createLogger, type Logger, systemClock } from '@groundcrew/kit';
import {
  type AgentConfiguration,
  createLiveConfiguration,
  fingerprint,
  type LiveConfiguration,
  readAgentConfiguration,
  type WatchFileOptions,
  watchFile,
} from './configuration/index.ts';
import { waitForDisk } from './full-disk.ts';
import { readIdentity } from './identity.ts';
import { runAgent } from './run-agent.ts';
import { takeWorkFolder } from './work-folder.ts';

const VERSION = '0.1.0';

/** Reads the configuration, takes the work folder, signs on and works until told to leave. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { replace: { type: 'boolean' } }, allowPositionals: true });
  const path = positionals[0] === undefined ? undefined : resolve(positionals[0]);
  const known = path === undefined ? 'none' : fingerprint(path);
  const configuration = readAgentConfiguration(path, process.env);
  const { workspace_dir, runner_uid } = configuration.resources;
  const logger = openLog(configuration);
  const leaving = new AbortController();
  const deps = { clock: systemClock, logger, signal: leaving.signal };
  const live = createLiveConfiguration(configuration, { path, env: process.env, ...deps });
  listenForReloads(live, path, { signal: leaving.signal, known }, logger);
  const options = { replace: values.replace === true, isShared: runner_uid !== undefined, ...deps };
  const folder = await waitForDisk(() => takeWorkFolder(workspace_dir, options), deps);
  const identity = await waitForDisk(() => readIdentity(folder.path, configuration.agent.agent_id), deps);
  await runAgent({ live, logger, folder, identity, leaving, version: VERSION });
}

function openLog({ logging: { level, format, file, max_size, max_files } }: AgentConfiguration): Logger {
  const destination = file === '' ? {} : { destination: { path: file, maxBytes: max_size, maxFiles: max_files } };
  return createLogger({ name: 'agent', level, format, ...destination });
}

/** From the first moment on: unheard, SIGHUP would end the agent. */
function listenForReloads(
  live: LiveConfiguration,
  path: string | undefined,
  watching: WatchFileOptions,
  logger: Logger,
): void {
  live.onChange(({ logging }) => {
    logger.level = logging.level;
  });
  process.on('SIGHUP', () => void live.reload('SIGHUP'));
  if (path === undefined) return;
  watchFile(path, () => void live.reload(path), watching).catch((error) =>
    logger.error({ err: error }, 'the configuration file is not watched any more; SIGHUP still reloads it'),
  );
}

main().catch((error: unknown) => {
  const message = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
  process.exit();
});
