import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { demandMetricsReader } from './access.ts';

/** `GET /metrics`, in Prometheus' text form. */
export function addMetricsRoute(app: FastifyInstance, registry: Registry, token: string | undefined): void {
  app.get('/metrics', async ({ raw }, reply) => {
    demandMetricsReader({ address: raw.socket.remoteAddress, headers: raw.headers }, token);
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
}
