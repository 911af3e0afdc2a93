import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@groundcrew/client';
import { createNodeClient } from '@groundcrew/client/node';
import { newSecret } from '@groundcrew/kit';
import type { Pool, TaskId } from '@groundcrew/protocol';
import { createPool, type Lab, type RunningServer } from '../harness/index.ts';
import { type ClockShift, createClockShift } from './clock-shift.ts';
import { type Host, type HostOptions, startHost } from './host.ts';
import { type LedgerLine, parseLedger } from './ledger.ts';

/** The system under faults: a server with its database, hosts, and what is known of them from outside. */
export interface Bed {
  readonly lab: Lab;
  readonly server: RunningServer;
  /** False when PostgreSQL is somebody else's, to whom nothing is done. */
  readonly ownsPostgres: boolean;
  readonly serverClock: ClockShift;
  /** A client of an administrator's that does not give up while the server is away. */
  readonly client: Client;
  readonly hosts: readonly Host[];
  /** One more, in the same pool. */
  addHost(options: HostWish): Promise<Host>;
  readonly pool: Pool;
  /** File that every applied resource adds a line to. */
  readonly ledger: string;
  readLedger(): LedgerLine[];
  /** Tasks of which Terraform may have written something that found no room on a full disk. */
  readonly cramped: Set<TaskId>;
  /** What this machine does not allow, as sentences. */
  readonly lacks: readonly string[];
}

type HostWish = Pick<HostOptions, 'slots' | 'mode' | 'smallDisk'>;

export interface BedOptions {
  readonly lab: Lab;
  /** Of the server. */
  readonly env?: Readonly<Record<string, string>>;
  readonly hosts: readonly HostWish[];
}

export async function createBed({ lab, env = {}, hosts: wanted }: BedOptions): Promise<Bed> {
  const serverClock = createClockShift(join(lab.folder, 'server-clock'));
  const server = await lab.startServer({
    env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false', ...serverClock.env, ...env },
  });
  const { pool, token } = await createPool(server, { allow_apply_concurrent: true, max_plan_concurrency: 100 });
  const hosts: Host[] = [];
  const lacks: string[] = [];

  async function addHost(options: HostWish): Promise<Host> {
    const started = await startHost({ lab, server, name: `h${hosts.length + 1}`, token, ...options });
    hosts.push(started.host);
    if (started.lacks !== undefined) lacks.push(started.lacks);
    return started.host;
  }

  for (const options of wanted) await addHost(options);
  const ledger = join(lab.folder, 'ledger');
  appendFileSync(ledger, '');
  return {
    lab,
    server,
    ownsPostgres: env.DATABASE_URL === undefined,
    serverClock,
    client: createNodeClient({
      baseUrl: server.url,
      token: server.token,
      newIdempotencyKey: () => newSecret(),
      retry: { baseMs: 100, capMs: 1_000 },
    }),
    hosts,
    addHost,
    pool,
    ledger,
    readLedger: () => parseLedger(readFileSync(ledger, 'utf8')),
    cramped: new Set(),
    lacks,
  };
}
