import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Lab, listProcessesBelow, type RunningServer } from '../../e2e/harness/index.ts';
import { type Fleet, startFleet } from '../fleet/start-fleet.ts';
import { readUsage } from '../process-usage.ts';
import { createRow, type Row } from '../row.ts';
import { percentile } from '../statistics.ts';

const SIZE = 5_000;
/** One for its socket, one for the HTTP connection it signed on with, on each side. */
const FILES_NEEDED = 2 * SIZE + 500;
/** What start-up and sign-on left behind is collected, and every agent is in its rhythm. */
const SETTLE_MS = 35_000;
const EVERY_MS = 250;

/**
 * 5,000 agents connected to one server process, each with a heartbeat every 30 s and the pings of its socket: memory and processor
 * of that process, and how long heartbeats wait for their answer, one that is still waiting included.
 */
export async function measureHeartbeats(lab: Lab, seconds: number): Promise<Row[]> {
  checkFileLimit();
  const server = await lab.startServer({ env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' } });
  const { token } = await createPool(server);
  const answered: number[] = [];
  const startedAt = performance.now();
  const onBeatAnswered = (ms: number) => void answered.push(ms);
  const fleet = await startFleet(SIZE, {
    serverUrl: server.url,
    poolToken: token,
    mode: 'push',
    prefix: 'beat',
    onBeatAnswered,
  });
  const connectedMs = performance.now() - startedAt;
  try {
    await sleep(SETTLE_MS);
    answered.length = 0;
    const figures = await observe(server, fleet, seconds * 1000);
    if (fleet.faults.length > 0)
      throw new Error(`The fleet had ${fleet.faults.length} faults.`, { cause: fleet.faults[0] });
    await checkStatuses(server);
    const name = `${SIZE} agents`;
    return [
      createRow(`${name}: server, resident, highest`, figures.residentMB, 'MB', 500),
      createRow(`${name}: server, share of one core`, figures.serverShare, '%', 25),
      createRow(`${name}: its database, share of one core`, figures.databaseShare, '%'),
      createRow(
        `${name}: heartbeat → answer, slowest of ${answered.length}`,
        Math.max(figures.slowestMs, ...answered) / 1000,
        's',
        5,
      ),
      createRow(`${name}: heartbeat → answer, p50`, percentile(answered, 0.5), 'ms'),
      createRow(`${name}: heartbeat → answer, p99`, percentile(answered, 0.99), 'ms'),
      createRow(`${name}: until all are connected`, connectedMs / 1000, 's'),
    ];
  } finally {
    fleet.close();
    await server.stop();
  }
}

function checkFileLimit(): void {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  if (limit !== undefined && Number(limit) < FILES_NEEDED)
    throw new Error(
      `A process may open ${limit} files here, and ${FILES_NEEDED} are needed; raise it with "ulimit -Hn".`,
    );
}

/** Looks at the processes and at heartbeats without an answer until the time is over. */
async function observe(server: RunningServer, { agents }: Fleet, forMs: number) {
  const startedAt = performance.now();
  const own = readUsage(server.pid).cpuMs;
  const theirs = readCpuBelow(server);
  let [residentBytes, slowestMs] = [0, 0];
  while (performance.now() - startedAt < forMs) {
    await sleep(EVERY_MS);
    residentBytes = Math.max(residentBytes, readUsage(server.pid).residentBytes);
    const now = performance.now();
    for (const { beatUnansweredSince } of agents) slowestMs = Math.max(slowestMs, now - (beatUnansweredSince ?? now));
  }
  const spent = performance.now() - startedAt;
  return {
    residentMB: residentBytes / 2 ** 20,
    serverShare: (100 * (readUsage(server.pid).cpuMs - own)) / spent,
    databaseShare: (100 * sumOfRises(theirs, readCpuBelow(server))) / spent,
    slowestMs,
  };
}

/** Processor time in milliseconds by process, of all that the server has started. */
function readCpuBelow({ home, pid: own }: RunningServer): Map<number, number> {
  const used = new Map<number, number>();
  for (const { pid } of listProcessesBelow(home)) {
    if (pid === own) continue;
    try {
      used.set(pid, readUsage(pid).cpuMs);
    } catch {
      // Sessions of the database come and go.
    }
  }
  return used;
}

const sumOfRises = (before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number =>
  [...after].reduce((sum, [pid, cpuMs]) => sum + cpuMs - (before.get(pid) ?? 0), 0);

/** Cheap heartbeats are worth nothing when the server then takes agents for gone. */
async function checkStatuses({ client }: RunningServer): Promise<void> {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call('listAgents', {
      query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) },
    });
    seen.push(...page.items.filter(({ connected, status }) => connected && status === 'online').map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (seen.length !== SIZE)
    throw new Error(`Of ${SIZE} agents the server takes ${seen.length} for connected and online.`);
}
