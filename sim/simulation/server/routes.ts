import { API_PREFIX, type RouteName, type RouteSpec, routes } from '@groundcrew/protocol';
import { ServerRefusal } from './refusal.ts';

/** A request as the route table sees it. */
export interface Routed {
  readonly name: RouteName;
  readonly params: Readonly<Record<string, string>>;
  /** The JSON body, checked; undefined for raw bytes. */
  readonly body: unknown;
}

interface Pattern {
  readonly name: RouteName;
  readonly spec: RouteSpec;
  readonly path: RegExp;
}

const PATTERNS: readonly Pattern[] = Object.entries(routes).map(([name, spec]) => ({
  name: name as RouteName,
  spec,
  path: new RegExp(`^${API_PREFIX}${spec.path.replace(/:([a-z_]+)/g, '(?<$1>[^/]+)')}$`),
}));

/** Finds the row of the protocol's route table that a request is for, and checks its body. */
export function routeRequest(method: string, url: string, contentType: string | undefined, body: Buffer): Routed {
  const { pathname } = new URL(url);
  for (const { name, spec, path } of PATTERNS) {
    const params = spec.method === method ? path.exec(pathname)?.groups : undefined;
    const isExact = params !== undefined || (spec.method === method && path.test(pathname));
    if (isExact) return { name, params: { ...params }, body: readBody(spec, contentType, body) };
  }
  throw new ServerRefusal('not_found', `There is no ${method} ${pathname}.`);
}

function readBody(spec: RouteSpec, contentType: string | undefined, body: Buffer): unknown {
  if (spec.body === undefined || contentType !== 'application/json') return undefined;
  const parsed = spec.body.safeParse(JSON.parse(body.toString()));
  if (parsed.success) return parsed.data;
  throw new ServerRefusal('invalid_request', `The request does not have the documented shape: ${parsed.error.message}`);
}
