import type { Logger } from '@groundcrew/kit';
import type { FastifyInstance } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import type { Database } from '../../platform/database/index.ts';
import { keptFor } from '../../platform/kept-for.ts';
import { addDiskMetrics } from './disk-metrics.ts';
import { addFleetMetrics } from './fleet-metrics.ts';
import { readFleet } from './fleet-store.ts';
import { createHeartbeatWatch } from './heartbeat-watch.ts';
import { addMetricsRoute } from './routes.ts';
import { createTaskMetrics } from './task-metrics.ts';

export interface MetricsModuleDeps {
  db: Database;
  registry: Registry;
  logger: Logger;
  /** The server's home. */
  home: string;
  now: () => number;
  /** Unanswered offers that make an agent suspect. */
  suspectFrom: number;
}

/** Several Prometheus servers, and whoever looks by hand, cost one reading. */
const FLEET_KEPT_MS = 3_000;
/** Prometheus gives up after 10 s; what this process knows itself is told well before. */
const FLEET_WAIT_MS = 4_000;

/** Metrics: what this process decided, which it counts itself, and what the installation is like, which it reads. */
export function createMetricsModule({ db, registry, logger, home, now, suspectFrom }: MetricsModuleDeps) {
  const silences = new Counter({
    name: 'iac_agent_heartbeat_timeouts_total',
    help: 'Agents that fell silent without having said that they leave, once per silence, after 90 s. Counted by one replica.',
    labelNames: ['pool_id'],
    registers: [registry],
  });
  const logBytes = new Counter({
    name: 'iac_log_bytes_total',
    help: 'Bytes of task logs that were stored, uncompressed.',
    registers: [registry],
  });
  const findFleet = keptFor(() => readFleet(db, suspectFrom), {
    keepMs: FLEET_KEPT_MS,
    waitMs: FLEET_WAIT_MS,
    now,
    onFailure: (error) => logger.warn({ err: error }, 'the metrics that the database knows could not be read'),
  });
  addFleetMetrics(registry, findFleet);
  addDiskMetrics(registry, home);
  return {
    countDecision: createTaskMetrics(registry),
    countLogBytes: (bytes: number): void => logBytes.inc(bytes),
    /** One look at who fell silent; for one replica alone. */
    watchHeartbeats: createHeartbeatWatch(db, silences),
    /** @param token see `metrics.token` */
    addRoute: (app: FastifyInstance, token: string | undefined): void => addMetricsRoute(app, registry, token),
  };
}
