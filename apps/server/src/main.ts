import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  ConfigError,
  createLogger,
  createShutdown,
  LEAN_NODE,
  type Logger,
  type Shutdown,
  systemClock,
  writeFileDurably,
} from '@groundcrew/kit';
import { isAdministration, runAdministration } from './administration/index.ts';
import { buildServer, type Server } from './build-server.ts';
import { type Configuration, findTls, homePaths, readConfiguration } from './configuration.ts';
import { createBuiltInAgent } from './modules/agents/index.ts';
import { type DatabaseAddress, migrate } from './platform/database/index.ts';
import { createHealth, type Health, listenEarly } from './platform/health/index.ts';
import { lockHome } from './platform/home-lock.ts';
import { createRequestScope, type RequestScope } from './platform/http/index.ts';
import { createPlatformMetrics, type PlatformMetrics } from './platform/metrics/index.ts';
import { tellReady } from './ready.ts';
import { SERVER_VERSION } from './version.ts';

/** How long everything together may take to close. */
const CLOSE_WITHIN_MS = 20_000;

/** Starts the server in this process and resolves with its exit code once it has closed. */
async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (isAdministration(args)) return runAdministration(args, process.env);
  if (args[0] === 'keys') {
    const { runKeysCommand } = await import('./keys/index.ts');
    return runKeysCommand(args.slice(1), process.env);
  }
  const { values } = parseArgs({ options: { config: { type: 'string' }, version: { type: 'boolean' } } });
  if (values.version) {
    process.stdout.write(`groundcrew-server ${SERVER_VERSION}\n`);
    return 0;
  }
  const read = () => readConfiguration(process.env, values.config ?? process.env.GROUNDCREW_CONFIG);
  const configuration = read();
  const requestScope = createRequestScope();
  const logger = createLogger({
    name: 'server',
    context: requestScope.fields,
    level: configuration.logging.level,
    ...(configuration.logging.file === undefined ? {} : { destination: configuration.logging.file }),
  });
  process.on('uncaughtExceptionMonitor', (error) =>
    logger.fatal({ err: error }, 'a fault that nobody caught ends the server'),
  );
  const shutdown = createShutdown({
    deadlineMs: CLOSE_WITHIN_MS + configuration.shutdown_delay,
    onSecondSignal: () => process.exit(1),
    onError: (name, error) => logger.error({ err: error }, `closing ${name} failed`),
  });
  try {
    await run(configuration, { logger, requestScope, readMasterKey: () => read().master_key }, shutdown);
  } catch (error) {
    tellFailure(error, logger);
    shutdown.request('the start failed');
    await shutdown.closed;
    return 1;
  }
  const { reason, unclosed } = await shutdown.closed;
  logger.info({ reason, unclosed }, 'closed');
  return unclosed.length === 0 ? 0 : 1;
}

/** Everything from the home's lock to the word that it is ready. Each step says how it is undone before the next begins. */
async function run(
  configuration: Configuration,
  {
    logger,
    requestScope,
    readMasterKey,
  }: { logger: Logger; requestScope: RequestScope; readMasterKey: () => string | undefined },
  shutdown: Shutdown,
): Promise<void> {
  const paths = homePaths(configuration.home);
  await mkdir(configuration.home, { recursive: true, mode: 0o700 });
  const lock = await lockHome(configuration.home, paths.lock);
  shutdown.onClose('home', () => lock.release());
  const [metrics, health] = [createPlatformMetrics(SERVER_VERSION), createHealth()];
  shutdown.signal.addEventListener('abort', health.draining);
  const early = await answerEarly(configuration, health, shutdown);
  health.starting('the database is opened');
  const address = await openDatabase(configuration, logger, metrics, shutdown);
  health.starting('migrations are applied');
  await migrate(address);
  health.starting('what was missed while no server ran is put right');
  const server = await buildServer({ configuration, address, logger, metrics, health, requestScope, readMasterKey });
  shutdown.onClose('server', () => server.close());
  const { signInToken, organizationId } = await server.modules.users.prepareFirstStart(
    configuration.sign_in_token === 'always',
  );
  // Before the first request: a task of execution mode server is refused while there is no pool for it.
  await server.modules.pools.service.ensureBuiltIn(organizationId);
  await server.start();
  await early?.close();
  const url = await listen(server, configuration);
  if (shutdown.signal.aborted) return;
  await writeFileDurably(
    paths.serverFile,
    `${JSON.stringify({ url, pid: process.pid, version: SERVER_VERSION, started_at: new Date().toISOString() })}\n`,
  );
  shutdown.onClose('server.json', () => rm(paths.serverFile, { force: true }));
  startAgent(server, configuration, { url, organizationId, logger, shutdown });
  // Closed first of all: meanwhile everything runs as before, only readiness says no.
  if (configuration.shutdown_delay > 0)
    shutdown.onClose('shutdown delay', () => systemClock.sleep(configuration.shutdown_delay));
  await tellReady({ url: configuration.public_url ?? url, signInToken, readyFd: process.env.GROUNDCREW_READY_FD });
  logger.info({ url, ready_after_ms: Math.round(performance.now()) }, 'ready');
}

/** Whoever asks at the server's address while it starts is told so. Nobody can know a free port that is yet to be chosen. */
async function answerEarly({ listen: at, tls }: Configuration, health: Health, shutdown: Shutdown) {
  if (at.port === 0) return undefined;
  const early = await listenEarly({ at, tls: findTls(tls), health });
  shutdown.onClose('early listener', early.close);
  return early;
}

/** The database at the configured address, or one of our own that runs as long as we do. */
async function openDatabase(
  { database_url, home }: Configuration,
  logger: Logger,
  metrics: PlatformMetrics,
  shutdown: Shutdown,
): Promise<DatabaseAddress> {
  if (database_url !== undefined) return { connectionString: database_url };
  const { createEmbeddedPostgres } = await import('./platform/embedded-postgres/index.ts');
  const postgres = createEmbeddedPostgres({ homeDir: home, logger, onRestart: metrics.postgresRestarted });
  shutdown.onClose('database', () => postgres.stop());
  return postgres.start();
}

/** Listens, and gives the address at which this machine finds the server. */
async function listen(server: Server, { listen: at }: Configuration): Promise<string> {
  const url = new URL(await server.http.listen(at));
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  return url.origin;
}

interface AgentContext {
  url: string;
  organizationId: Parameters<typeof createBuiltInAgent>[0]['organizationId'];
  logger: Logger;
  shutdown: Shutdown;
}

/** The server's own agent, for execution mode `server`: the same program as everywhere else. */
function startAgent(
  server: Server,
  { built_in_agent, home, logging, public_url, tls }: Configuration,
  { url, organizationId, logger, shutdown }: AgentContext,
): void {
  if (!built_in_agent.enabled) return;
  const agent = createBuiltInAgent({
    pools: server.modules.pools.service,
    organizationId,
    workDir: homePaths(home).agent,
    // A certificate names the server as clients know it, hardly ever by its address.
    serverUrl: tls.cert_file === undefined ? url : (public_url ?? url),
    caFile: tls.cert_file,
    command: [
      process.execPath,
      ...LEAN_NODE.agentFlags,
      fileURLToPath(new URL('../../agent/src/main.ts', import.meta.url)),
    ],
    slots: built_in_agent.slots,
    logLevel: logging.level,
    clock: systemClock,
    logger,
  });
  agent.start();
  shutdown.onClose('agent', () => agent.close());
}

/** What a person can do something about is a sentence; the rest comes with its trace. */
function tellFailure(error: unknown, logger: Logger): void {
  const sentence = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${sentence}\n`);
  if (!(error instanceof ConfigError)) logger.debug({ err: error }, 'the start failed');
}

// Whatever is still open must not keep a process alive that has said that it is closed.
process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  }),
);
