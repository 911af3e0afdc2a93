import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type Database, databaseUse } from '../database/index.ts';
import { ENCRYPTION_ERROR_KINDS, EncryptionError, type Sealer } from '../encryption/index.ts';
import type { SocketHub } from '../sockets/index.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { startAtZero } from './start-at-zero.ts';

/** Where the process keeps its figures: made before anything else, so that what happens during the start counts as well. */
export interface PlatformMetrics {
  readonly registry: Registry;
  /** The embedded PostgreSQL ended by itself and is started again. */
  postgresRestarted(): void;
  /** A loop has had its round. */
  loopRound(loop: string, seconds: number, failed: boolean): void;
  /** The same sealer; what it cannot open or seal is counted. */
  watchSealer(sealer: Sealer): Sealer;
  /** Stops measuring. */
  close(): void;
}

/** @param version of the server */
export function createPlatformMetrics(version: string): PlatformMetrics {
  const registry = new Registry();
  const registers = [registry];
  const restarts = new Counter({
    name: 'iac_embedded_postgres_restarts_total',
    help: 'How often the embedded PostgreSQL ended by itself and was started again.',
    registers,
  });
  const rounds = new Histogram({
    name: 'iac_loop_round_seconds',
    help: 'Rounds of what the server does without being asked; loop="dispatcher" is a pass over the queue.',
    labelNames: ['loop'],
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 2.5, 10],
    registers,
  });
  const failures = new Counter({
    name: 'iac_loop_failures_total',
    help: 'Rounds of a loop that failed; they are tried again.',
    labelNames: ['loop'],
    registers,
  });
  const finishedAt = new Gauge({
    name: 'iac_loop_last_round_timestamp_seconds',
    help: 'When a loop last came through a round here, in seconds since 1970. Loops that one replica alone runs are only told by that one.',
    labelNames: ['loop'],
    registers,
  });
  const encryption = createEncryptionFailures(registry);
  const stop = addProcessMetrics(registry, version);
  return {
    registry,
    postgresRestarted: () => restarts.inc(),
    loopRound(loop, seconds, failed) {
      rounds.observe({ loop }, seconds);
      failures.inc({ loop }, failed ? 1 : 0);
      if (!failed) finishedAt.set({ loop }, Date.now() / 1000);
    },
    watchSealer: (sealer) => watchSealer(sealer, encryption),
    close: stop,
  };
}

function createEncryptionFailures(registry: Registry): Counter<'kind'> {
  const failures = new Counter({
    name: 'iac_encryption_failures_total',
    help: 'Values that could not be sealed or opened.',
    labelNames: ['kind'],
    registers: [registry],
  });
  startAtZero(failures, 'kind', [...ENCRYPTION_ERROR_KINDS, 'other']);
  return failures;
}

function watchSealer(sealer: Sealer, failures: Counter<'kind'>): Sealer {
  function count(error: unknown): never {
    failures.inc({ kind: error instanceof EncryptionError ? error.kind : 'other' });
    throw error;
  }
  return {
    ...sealer,
    seal: (...given) => sealer.seal(...given).catch(count),
    open: (...given) => sealer.open(...given).catch(count),
  };
}

/** Shows how much of the database's sessions and how many WebSockets are in use. */
export function watchPlatform(registry: Registry, { db, hub }: { db: Database; hub: SocketHub }): void {
  const registers = [registry];
  new Gauge({
    name: 'iac_database_sessions',
    help: 'Sessions of this process with the database.',
    labelNames: ['state'],
    registers,
    collect() {
      const { busy, idle } = databaseUse(db);
      this.set({ state: 'busy' }, busy);
      this.set({ state: 'idle' }, idle);
    },
  });
  new Gauge({
    name: 'iac_database_sessions_max',
    help: 'Most sessions that this process may have with the database (database_sessions).',
    registers,
    collect() {
      this.set(databaseUse(db).max);
    },
  });
  new Gauge({
    name: 'iac_database_waiting',
    help: 'Queries that wait for a free session with the database.',
    registers,
    collect() {
      this.set(databaseUse(db).waiting);
    },
  });
  new Gauge({
    name: 'iac_websocket_connections',
    help: 'Open WebSockets, by their address.',
    labelNames: ['endpoint'],
    registers,
    collect() {
      for (const [endpoint, open] of hub.openByPath()) this.set({ endpoint }, open);
    },
  });
}
