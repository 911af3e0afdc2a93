import type { Client } from '@groundcrew/client';
import { type Clock, formatDuration } from '@groundcrew/kit';
import type { StatusLine } from '../terminal/status-line.ts';

export interface WatchEnds {
  interrupted: Promise<'interrupted'>;
  /** Resolves when the server is gone, with the reason. */
  exited: Promise<string>;
  clock: Clock;
}

const LOOK_EVERY_MS = 3_000;

/** Shows one calm line about the fleet until interrupted or until the server is gone; gives which. */
export async function keepWatch(
  client: Client,
  status: StatusLine,
  { interrupted, exited, clock }: WatchEnds,
): Promise<string> {
  const start = clock.now();
  const stop = new AbortController();
  let fleet = '';
  status.set(() => `up ${formatUpTime(clock.now() - start)}${fleet} · Ctrl-C stops`, { calm: true });
  const look = async (): Promise<never> => {
    for (;;) {
      fleet = await describeFleet(client, stop.signal).catch(() => ' · the server does not answer just now');
      await clock.sleep(LOOK_EVERY_MS, stop.signal);
    }
  };
  try {
    return await Promise.race([interrupted, exited, look()]);
  } finally {
    stop.abort(new Error('no longer watched'));
    status.set(undefined);
  }
}

async function describeFleet(client: Client, signal: AbortSignal): Promise<string> {
  const [agents, tasks] = await Promise.all([
    client.call('listAgents', { query: { limit: 200 } }, { signal }),
    client.call('listTasks', { query: { active: 'true', limit: 200 } }, { signal }),
  ]);
  const online = agents.items.filter(({ status }) => status === 'online' || status === 'busy').length;
  const running = tasks.items.filter(({ status }) => status === 'running').length;
  const waiting = tasks.items.length - running;
  return ` · ${online} of ${agents.items.length} agents online · ${running} tasks running, ${waiting} waiting`;
}

/** Whole minutes, after the first one. */
const formatUpTime = (ms: number): string =>
  ms < 60_000 ? `${Math.floor(ms / 1000)} s` : formatDuration(Math.floor(ms / 60_000) * 60_000);
