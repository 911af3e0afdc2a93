import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Clock,
  isLocked,
  LEAN_NODE,
  type Logger,
  readFileIfExists,
  sha256Hex,
  writeFileDurably,
} from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import type { PoolsService } from '../pools/index.ts';

export interface BuiltInAgentDeps {
  pools: PoolsService;
  organizationId: OrganizationId;
  /** Work folder of the agent, kept between starts. */
  workDir: string;
  /** Where the agent finds this server. */
  serverUrl: string;
  /** Program and first arguments that start an agent. */
  command: readonly string[];
  slots: number;
  logLevel: string;
  clock: Clock;
  logger: Logger;
}

/** An agent that dies at once, again and again, is not started more often than this. */
const RESTART_MS = { base: 500, cap: 30_000 };
/** How often to look whether an agent that an earlier server left has gone. */
const LOOK_AGAIN_MS = 2_000;

/**
 * The server's own agent, for execution mode `server`: the same program as everywhere else, started and watched by us. One that
 * outlived an earlier server is left alone, since it may hold running work; it comes back to us by itself.
 */
export function createBuiltInAgent(deps: BuiltInAgentDeps) {
  const { clock, logger, workDir } = deps;
  const leaving = new AbortController();
  let stop: (() => void) | undefined;
  let done: Promise<void> = Promise.resolve();

  /** A token that still counts is kept, so that an agent that outlived us stays signed on. */
  async function ensureToken(): Promise<string> {
    const path = join(workDir, 'token');
    const known = (await readFileIfExists(path))?.toString().trim();
    if (known !== undefined && (await deps.pools.useToken(sha256Hex(known))) !== undefined) return path;
    const poolId = await deps.pools.ensureBuiltIn(deps.organizationId);
    await writeFileDurably(path, await deps.pools.renewBuiltInToken(deps.organizationId, poolId), 0o600);
    return path;
  }

  async function supervise(): Promise<void> {
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const tokenFile = await ensureToken();
    for (let failures = 0; !leaving.signal.aborted; ) {
      if (await isLocked(join(workDir, 'agent.lock'))) {
        await clock.sleep(LOOK_AGAIN_MS, leaving.signal).catch(() => undefined);
        continue;
      }
      const startedAt = clock.now();
      await runOnce(tokenFile);
      failures = clock.now() - startedAt > RESTART_MS.cap ? 0 : failures + 1;
      if (leaving.signal.aborted) return;
      logger.warn({ failures }, "the server's own agent ended; starting it again");
      await clock
        .sleep(Math.min(RESTART_MS.cap, RESTART_MS.base * 2 ** failures), leaving.signal)
        .catch(() => undefined);
    }
  }

  function runOnce(tokenFile: string): Promise<void> {
    const [program = process.execPath, ...args] = deps.command;
    const child = spawn(program, args, { env: environment(deps, tokenFile), stdio: ['ignore', 'inherit', 'inherit'] });
    stop = () => void child.kill('SIGINT');
    return new Promise((resolve) => {
      child.once('error', (error) => {
        logger.error({ err: error }, "the server's own agent could not be started");
        resolve();
      });
      child.once('exit', () => resolve());
    });
  }

  return {
    start(): void {
      done = supervise().catch((error) =>
        logger.error({ err: error }, "the server's own agent is not looked after any more"),
      );
    },
    /** Sends the agent away; its runners go on and are found again at the next start. */
    async close(): Promise<void> {
      leaving.abort();
      stop?.();
      await done;
    },
  };
}

/** Nothing of the server's own environment that could be a secret. */
function environment({ workDir, serverUrl, slots, logLevel }: BuiltInAgentDeps, tokenFile: string): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'TZ', 'NODE_EXTRA_CA_CERTS', 'NO_PROXY', 'no_proxy'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    ...LEAN_NODE.env,
    GROUNDCREW_AGENT_NAME: 'server',
    GROUNDCREW_AGENT_SERVER_URL: serverUrl,
    GROUNDCREW_AGENT_TOKEN_FILE: tokenFile,
    GROUNDCREW_RESOURCES_WORKSPACE_DIR: workDir,
    GROUNDCREW_RESOURCES_MAX_CONCURRENT_JOBS: String(slots),
    GROUNDCREW_LOGGING_LEVEL: logLevel,
  };
}
