import type { FastifyInstance } from 'fastify';
import { Gauge, Histogram, type Registry } from 'prom-client';

/** What no route took; its method may be anything and its path anybody's. */
const UNMATCHED = { method: 'other', route: 'unmatched' } as const;

/** Measures every request by its route's template, never by its path: ids in paths would make a series each. */
export function addHttpMetrics(app: FastifyInstance, registry: Registry): void {
  const seconds = new Histogram({
    name: 'iac_http_request_seconds',
    help: 'From the head of a request to the end of its answer. Long polls (POST /api/v1/tasks/pull) wait on purpose.',
    labelNames: ['method', 'route', 'status_class'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'iac_http_requests_in_flight',
    help: 'Requests that are being answered just now.',
    registers: [registry],
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    inFlight.inc();
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    inFlight.dec();
    const { url } = request.routeOptions;
    const where = url === undefined ? UNMATCHED : { method: request.method, route: url };
    const status_class = `${Math.floor(reply.statusCode / 100)}xx`;
    seconds.observe({ ...where, status_class }, reply.elapsedTime / 1000);
    done();
  });
}
