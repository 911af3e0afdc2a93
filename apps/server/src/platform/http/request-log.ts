import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from '@groundcrew/kit';
import type { FastifyInstance } from 'fastify';

/** Knows, along asynchronous calls, for which request the code at hand runs, so that every line it logs can say so. */
export interface RequestScope {
  run<T>(requestId: string, fn: () => T): T;
  /** For the logger: what every line holds besides. */
  fields(): { request_id?: string };
}

export function createRequestScope(): RequestScope {
  const storage = new AsyncLocalStorage<string>();
  return {
    run: (requestId, fn) => storage.run(requestId, fn),
    fields() {
      const request_id = storage.getStore();
      return request_id === undefined ? {} : { request_id };
    },
  };
}

/** Lets every line of a request have its id, the one that the answer has, and tells at level `debug` how each was answered. */
export function addRequestLog(app: FastifyInstance, scope: RequestScope, logger: Logger): void {
  app.addHook('onRequest', (request, _reply, done) => scope.run(request.id, done));
  // The body arrives with events of the connection, which know nothing of the request.
  app.addHook('preValidation', (request, _reply, done) => scope.run(request.id, done));
  app.addHook('onResponse', (request, reply, done) => {
    const { id: request_id, method, routeOptions } = request;
    const took_ms = Math.round(reply.elapsedTime);
    logger.debug({ request_id, method, route: routeOptions.url, status: reply.statusCode, took_ms }, 'answered');
    done();
  });
}
