import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Clock, equalSecrets, type Logger } from '@groundcrew/kit';
import type { AgentReloadAnswer } from '@groundcrew/protocol';
import { type Reloaded, sentenceOf } from '../configuration/index.ts';
import { decideLocalRequest } from '../decisions/index.ts';
import { sleepQuietly } from '../wait.ts';
import type { LocalFacts } from './facts.ts';
import { presentHealth, presentMetrics } from './present.ts';
import { presentPrometheus } from './prometheus.ts';

export interface LocalHttpDeps {
  /** `host:port`. */
  listen: string;
  /**
   * Whether the address is the default one. That is not insisted on: of several agents on a host the first has it, and the others
   * say so once and do without.
   */
  isDefault: boolean;
  /** Whether an older instance of this agent still works, which has the address then. */
  olderLives: () => boolean;
  facts: () => LocalFacts;
  reload: (trigger: string) => Reloaded;
  /** Bearer token for a reload from elsewhere; undefined for none. */
  token: () => string | undefined;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

const TRY_AGAIN_MS = 2_000;
/** A handful of probes and scrapers ask; what is slow or too many must not cost the agent anything. */
const LIMITS = { connectionMs: 5_000, connections: 32, headerBytes: 8_192 } as const;

/** The agent's own HTTP: `/health`, `/metrics`, `/reload`. An agent without it works as well, so no trouble here ends it. */
export function createLocalHttp(deps: LocalHttpDeps) {
  const { logger, signal, clock } = deps;
  const server = createServer({ maxHeaderSize: LIMITS.headerBytes }, (request, response) => {
    request.resume();
    try {
      answer(deps, request, response);
    } catch (error) {
      logger.error({ err: error }, 'a request to the agent’s own HTTP could not be answered');
      send(response, 500, { error: 'The agent could not answer; its log says why.' });
    }
  });
  server.headersTimeout = LIMITS.connectionMs;
  server.requestTimeout = LIMITS.connectionMs;
  server.keepAliveTimeout = LIMITS.connectionMs;
  server.maxConnections = LIMITS.connections;
  server.setTimeout(2 * LIMITS.connectionMs, (socket) => socket.destroy());
  let address: string | undefined;

  return {
    /** Where it listens, once it does. */
    address: (): string | undefined => address,
    /** Resolves when it listens, or has given up. */
    async open(): Promise<void> {
      let told: WhenTaken | undefined;
      while (!signal.aborted) {
        // Asked before: one that goes while we try leaves the address to us, and the next try finds it.
        const next = whenTaken(deps);
        const trouble = await tryListen(server, deps.listen);
        if (trouble === undefined) {
          address = formatAddress(server);
          server.on('error', (error) => logger.warn({ err: error }, 'the agent’s own HTTP has trouble'));
          return logger.info({ address }, 'the agent answers /health, /metrics and /reload');
        }
        if (next !== told) tell(deps, next, trouble);
        told = next;
        if (next === 'do_without') return;
        await sleepQuietly(clock, TRY_AGAIN_MS, signal);
      }
    },
    close(): void {
      address = undefined;
      server.close();
      server.closeAllConnections();
    },
  };
}

type WhenTaken = 'wait_for_older' | 'insist' | 'do_without';

function whenTaken({ isDefault, olderLives }: LocalHttpDeps): WhenTaken {
  if (olderLives()) return 'wait_for_older';
  return isDefault ? 'do_without' : 'insist';
}

function tell({ listen, logger }: LocalHttpDeps, next: WhenTaken, error: NodeJS.ErrnoException): void {
  const cause = error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be had (${error.message})`;
  if (next === 'wait_for_older') logger.info({ listen }, 'the older instance still has the address of http.listen');
  else if (next === 'insist')
    logger.error({ listen }, `http.listen ${listen} ${cause}; the agent works without and goes on asking for it`);
  else
    logger.warn(
      { listen },
      `http.listen ${listen} ${cause}; this agent works without, give it another address or "off"`,
    );
}

function tryListen(server: Server, listen: string): Promise<NodeJS.ErrnoException | undefined> {
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException) => {
      server.off('listening', onListening);
      resolve(error);
    };
    const onListening = () => {
      server.off('error', onError);
      resolve(undefined);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    // Alone: a second process must find it taken, not share it.
    server.listen({ host, port: Number(listen.slice(colon + 1)), exclusive: true });
  });
}

function formatAddress(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

function answer(deps: LocalHttpDeps, request: IncomingMessage, response: ServerResponse): void {
  const { authorization = '', accept = '', origin } = request.headers;
  const [path = ''] = (request.url ?? '').split('?');
  const choice = decideLocalRequest(
    {
      method: request.method ?? '',
      path,
      remoteAddress: request.socket.remoteAddress ?? '',
      accept,
      bearer: /^Bearer (.+)$/i.exec(authorization)?.[1],
      hasOrigin: origin !== undefined,
    },
    (given) => isToken(given, deps.token()),
  );
  switch (choice.do) {
    case 'refuse':
      send(response, choice.status, { error: choice.error }, choice.allow ? { allow: choice.allow } : {});
      break;
    case 'reload':
      sendReload(response, deps.reload('POST /reload'), deps.clock.now());
      break;
    case 'health':
      sendHealth(response, deps.facts());
      break;
    case 'metrics':
      sendMetrics(response, choice.as, deps.facts());
  }
}

const sendHealth = (response: ServerResponse, facts: LocalFacts): void =>
  send(response, facts.unhealthy === undefined ? 200 : 503, presentHealth(facts));

function sendMetrics(response: ServerResponse, as: 'json' | 'text', facts: LocalFacts): void {
  if (as === 'json') {
    send(response, 200, presentMetrics(facts));
  } else {
    // Before the head: after it, a 500 could not be said any more, and trying would end the agent.
    const text = presentPrometheus(facts);
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  }
}

const RELOAD_STATUS = { reloaded: 200, refused: 400, failed: 500 } as const;

function sendReload(response: ServerResponse, outcome: Reloaded, now: number): void {
  const body: AgentReloadAnswer = {
    success: outcome.kind === 'reloaded',
    message: sentenceOf(outcome),
    reloaded_at: new Date(now).toISOString(),
    changed: outcome.kind === 'reloaded' ? [...outcome.changed] : [],
    restart_needed: outcome.kind === 'reloaded' ? [...outcome.restartNeeded] : [],
  };
  send(response, RELOAD_STATUS[outcome.kind], body);
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

const isToken = (given: string, token: string | undefined): boolean =>
  token !== undefined && equalSecrets(given, token);
