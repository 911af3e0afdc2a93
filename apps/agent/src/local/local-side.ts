import type { Clock, Logger } from '@groundcrew/kit';
import { type AgentConfiguration, DEFAULT_LISTEN, type LiveConfiguration } from '../configuration/index.ts';
import type { DaemonChannel, DaemonLink } from './daemon-link.ts';
import type { LocalFacts } from './facts.ts';
import type { createLocalHttp } from './local-http.ts';
import { presentDaemonHeartbeat, presentState } from './present.ts';
import type { createStateFile } from './state-file.ts';

export interface LocalSideDeps {
  live: LiveConfiguration;
  /** Everything that is told, but for what is known here. */
  facts: () => Omit<LocalFacts, 'http' | 'since' | 'configuration'>;
  /** Whether an older instance of this agent still has what this one wants, such as its address. */
  olderLives: () => boolean;
  /** The daemon asks the agent to leave: after a drain, or `now`. */
  onStop: (now: boolean) => void;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
}

/**
 * What the agent tells on its own host: HTTP, state file, heartbeats to a daemon. Each is loaded only where it is configured, and none
 * of them can hold up or end the agent.
 */
export async function openLocalSide(deps: LocalSideDeps) {
  const { live, clock } = deps;
  let http: ReturnType<typeof createLocalHttp> | undefined;
  let known = { condition: deps.facts().condition, since: clock.now() };

  function facts(): LocalFacts {
    const own = deps.facts();
    if (own.condition !== known.condition) known = { condition: own.condition, since: own.now };
    const { revision, loadedAt, restartNeeded } = live;
    const configuration = { revision, loadedAt, restartNeeded, ...live.counts() };
    return { ...own, since: known.since, configuration, http: http?.address() };
  }

  http = await openHttp(deps, facts);
  const stateFile = await openStateFile(deps, facts);
  const daemons = await openDaemons(deps, facts);
  void http?.open().then(() => stateFile?.nudge());
  let before = known.condition;

  return {
    /** Something has changed that the state file shows. */
    nudge(): void {
      stateFile?.nudge();
      const { condition } = facts();
      if (condition !== before) for (const daemon of daemons) daemon.nudge();
      before = condition;
    },
    /** The last heartbeats to daemons; a daemon that does not answer takes as long as it may. */
    sayGoodbye: async (): Promise<void> => void (await Promise.all(daemons.map((daemon) => daemon.close()))),
    /** The last writing of the state file, and away. Does not wait. */
    close(): void {
      http?.close();
      stateFile?.write();
    },
  };
}
export type LocalSide = Awaited<ReturnType<typeof openLocalSide>>;

async function openHttp(deps: LocalSideDeps, facts: () => LocalFacts) {
  const { live, olderLives, clock, logger, signal } = deps;
  const { listen } = live.current.http;
  if (listen === '' || listen === 'off') return undefined;
  const { createLocalHttp } = await import('./local-http.ts');
  const http: ReturnType<typeof createLocalHttp> = createLocalHttp({
    listen,
    isDefault: listen === DEFAULT_LISTEN,
    olderLives,
    facts,
    reload: live.reload,
    token: () => live.current.http.token,
    clock,
    logger,
    signal,
  });
  return http;
}

async function openStateFile(
  { live, clock, logger, signal }: LocalSideDeps,
  facts: () => LocalFacts,
): Promise<ReturnType<typeof createStateFile> | undefined> {
  const path = live.current.state_file;
  if (path === '') return undefined;
  const { createStateFile } = await import('./state-file.ts');
  const file = createStateFile({ path, state: () => presentState(facts()), clock, logger, signal });
  void file.keepWriting();
  return file;
}

async function openDaemons(deps: LocalSideDeps, facts: () => LocalFacts): Promise<DaemonLink[]> {
  const channels = await openChannels(deps, facts);
  if (channels.length === 0) return [];
  const { createDaemonLink } = await import('./daemon-link.ts');
  const { live, clock, logger, signal } = deps;
  const heartbeat = () => presentDaemonHeartbeat(facts());
  const intervalMs = () => live.current.daemon.interval;
  return channels.map(({ channel, where }) => {
    const link = createDaemonLink({ channel, where, heartbeat, intervalMs, clock, logger, signal });
    void link.keepSending();
    return link;
  });
}

/** Both, when both are configured: a daemon may offer either. */
async function openChannels(
  { live, logger, onStop }: LocalSideDeps,
  facts: () => LocalFacts,
): Promise<{ channel: DaemonChannel; where: string }[]> {
  const { url, socket_path: path }: AgentConfiguration['daemon'] = live.current.daemon;
  const timeoutMs = () => live.current.daemon.timeout;
  const channels: { channel: DaemonChannel; where: string }[] = [];
  if (url !== '') {
    const { createDaemonHttp } = await import('./daemon-http.ts');
    channels.push({ channel: createDaemonHttp({ url, timeoutMs }), where: url });
  }
  if (path !== '') {
    const { createDaemonSocket } = await import('./daemon-socket.ts');
    const { createDaemonMethods } = await import('./daemon-methods.ts');
    const methods = createDaemonMethods({ state: () => presentState(facts()), onStop });
    channels.push({ channel: createDaemonSocket({ path, timeoutMs, methods, logger }), where: path });
  }
  return channels;
}
