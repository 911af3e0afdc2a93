import { API_PREFIX, type RouteSpec, routes } from '@groundcrew/protocol';
import type { FastifyInstance } from 'fastify';
import { AppError } from './app-error.ts';

/** Answers what no route took: 405 with the methods there are, or 404. */
export function addNotFound(app: FastifyInstance): void {
  const listMethods = createMethodList(Object.values(routes));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = listMethods(path);
    if (methods.length === 0)
      throw new AppError(
        'not_found',
        `There is nothing at ${JSON.stringify(path.slice(0, 200))}; /api/docs shows what there is.`,
      );
    const allowed = methods.join(', ');
    reply.header('allow', allowed);
    throw new AppError('method_not_allowed', `${request.method} is not offered here; use ${allowed}.`);
  });
}

/**
 * Which methods an address of the table takes. Goes through the whole table, which is quick enough for requests that fail
 * anyway; the patterns are made when the first of them comes.
 */
function createMethodList(specs: readonly Pick<RouteSpec, 'method' | 'path'>[]) {
  let patterns: { pattern: RegExp; method: string }[] | undefined;
  return (path: string): string[] => {
    patterns ??= specs.map((spec) => ({ pattern: toPattern(API_PREFIX + spec.path), method: spec.method }));
    const methods = new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method));
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  };
}

const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/:[a-z_]+/g, '[^/]+')}$`);
