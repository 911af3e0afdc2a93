import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, LEAN_NODE, type Logger, readFileIfExists, sha256Hex, writeFileDurably } from '@groundcrew/kit';
import type { OrganizationId } from '@groundcrew/protocol';
import type { PoolsService } from '../pools/index.ts';

export interface BuiltInAgentDeps {
  pools: PoolsService;
  organizationId: OrganizationId;
  /** Work folder of the agent, kept between starts. */
  workDir: string;
  /** Where the agent finds this server. */
  serverUrl: string;
  /** Certificate of ours that the agent has to trust, PEM. */
  caFile: string | undefined;
  /** Program and first arguments that start an agent. */
  command: readonly string[];
  slots: number;
  logLevel: string;
  clock: Clock;
  logger: Logger;
}

/** An agent that dies at once, again and again, is not started more often than this. */
const RESTART_MS = { base: 500, cap: 30_000 };

/**
 * The server's own agent, for execution mode `server`: the same program as everywhere else, started and watched by us. One that
 * outlived an earlier server is replaced side by side: ours takes over what it holds, under the address and with the program of
 * today, and what runs goes on.
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
    if (known !== undefined && (await deps.pools.tokens.use(sha256Hex(known))) !== undefined) return path;
    const poolId = await deps.pools.ensureBuiltIn(deps.organizationId);
    await writeFileDurably(path, await deps.pools.renewBuiltInToken(deps.organizationId, poolId), 0o600);
    return path;
  }

  async function supervise(): Promise<void> {
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const tokenFile = await ensureToken();
    for (let failures = 0; !leaving.signal.aborted; ) {
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
    const child = spawn(program, [...args, '--replace'], {
      env: environment(deps, tokenFile),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    stop = () => void child.kill('SIGINT');
    return new Promise((ended) => {
      child.once('error', (error) => {
        logger.error({ err: error }, "the server's own agent could not be started");
        ended();
      });
      child.once('exit', () => ended());
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
function environment(
  { workDir, serverUrl, caFile, slots, logLevel }: BuiltInAgentDeps,
  tokenFile: string,
): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'TZ', 'NODE_EXTRA_CA_CERTS', 'NO_PROXY', 'no_proxy'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    ...LEAN_NODE.env,
    GROUNDCREW_AGENT_NAME: 'server',
    GROUNDCREW_AGENT_SERVER_URL: serverUrl,
    GROUNDCREW_AGENT_TOKEN_FILE: tokenFile,
    ...(caFile === undefined ? {} : { GROUNDCREW_AGENT_CA_FILE: resolve(caFile) }),
    GROUNDCREW_RESOURCES_WORKSPACE_DIR: workDir,
    GROUNDCREW_RESOURCES_MAX_CONCURRENT_JOBS: String(slots),
    GROUNDCREW_LOGGING_LEVEL: logLevel,
    // The server watches it itself; the address is for agents of the host's own.
    GROUNDCREW_HTTP_LISTEN: 'off',
  };
}
