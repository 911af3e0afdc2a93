import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type FileLock, type Logger, type Random, systemClock, systemRandom } from '@groundcrew/kit';
import type { SocketAddress } from '../database/index.ts';
import { lockHome } from '../home-lock.ts';
import { ensureDataFolder } from './data-folder.ts';
import { findEnginePackage, prepareEngine } from './engine.ts';
import { type KeptServer, keepRunning } from './keep-running.ts';
import { openToUser } from './open-to-user.ts';
import { findRunner } from './run-as.ts';
import type { StartOptions } from './server-process.ts';
import { ROLE, type Settings } from './settings.ts';
import { prepareSocketFolder, type SocketFolder } from './socket-folder.ts';

export interface EmbeddedPostgresOptions {
  /** The data is kept in its folder `postgres`, which is made when missing. */
  homeDir: string;
  logger: Logger;
  /** Settings that differ from ours; for tests, whose data may be lost. */
  settings?: Settings;
  /** The npm package with PostgreSQL's programs; found by itself when not given. */
  packageFolder?: string;
  clock?: Clock;
  random?: Random;
  /** Told each time it ended by itself and is started again. */
  onRestart?: () => void;
}

/** A PostgreSQL of our own, for whoever has none. */
export interface EmbeddedPostgres {
  /**
   * Sets up the data if there is none, starts PostgreSQL and keeps it running: one that dies is started again, while sessions
   * wait. Says in a sentence when it cannot: the home is in use, its data is from another major version, the system forbids it.
   */
  start(): Promise<SocketAddress>;
  /** Ends all sessions, shuts down and gives the home back. */
  stop(): Promise<void>;
}

interface Running {
  lock: FileLock;
  socketFolder: SocketFolder;
  server: KeptServer;
}

/** Builds the supervisor; nothing happens before `start`. PostgreSQL ends with this process, also when that is killed. */
export function createEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  let running: Promise<Running & { address: SocketAddress }> | undefined;
  return {
    async start() {
      running ??= start(options);
      try {
        return (await running).address;
      } catch (error) {
        running = undefined;
        throw error;
      }
    },
    async stop() {
      const stopping = await running?.catch(() => undefined);
      running = undefined;
      await stopping?.server.stop();
      await stopping?.socketFolder.remove();
      stopping?.lock.release();
    },
  };
}

async function start(options: EmbeddedPostgresOptions): Promise<Running & { address: SocketAddress }> {
  const { homeDir } = options;
  try {
    await mkdir(join(homeDir, 'postgres'), { recursive: true, mode: 0o700 });
    const folder = await realpath(join(homeDir, 'postgres'));
    const lock = await lockHome(homeDir, join(folder, 'lock'));
    try {
      return { lock, ...(await startIn(folder, options)) };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw isForbidden(error) ? new Error(foreign(homeDir, error.path), { cause: error }) : error;
  }
}

const isForbidden = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

const foreign = (homeDir: string, path = homeDir): string =>
  `${path} may not be used by the user who starts this server (${process.getuid?.()}). Start it as the user who owns ${homeDir}, give the folder to this one (chown -R), or choose another with GROUNDCREW_HOME.`;

async function startIn(
  folder: string,
  options: EmbeddedPostgresOptions,
): Promise<Omit<Running, 'lock'> & { address: SocketAddress }> {
  const {
    logger,
    settings = {},
    clock = systemClock,
    random = systemRandom,
    packageFolder = findEnginePackage(),
  } = options;
  const dataFolder = join(folder, 'data');
  const [runner, packaged] = await Promise.all([findRunner(dataFolder), prepareEngine(packageFolder, folder)]);
  const engine = await openToUser(runner, folder, packaged);
  const { password, created } = await ensureDataFolder(dataFolder, engine, runner);
  const socketFolder = await prepareSocketFolder(folder, runner.user);
  const start: StartOptions = {
    engine,
    runner,
    dataFolder,
    socketFolder: socketFolder.path,
    logFile: join(folder, 'server.log'),
    settings,
    clock,
  };
  const server = await keepRunning(start, logger, random, options.onRestart);
  logger.info(
    { folder, version: engine.version, created },
    created ? 'Set up a new database.' : 'Opened the database.',
  );
  return {
    socketFolder,
    server,
    address: { host: socketFolder.path, port: 5432, user: ROLE, password, database: 'postgres' },
  };
}
