import { API_PREFIX, type RouteAddress } from '@groundcrew/protocol';
import type { RawBody } from './route-call.ts';
import type { BodySource } from './transport.ts';

/** The parts of a call without their types, as the table's rows are walked. */
export interface LooseInput {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  headers?: Record<string, unknown>;
  body?: unknown;
  raw?: RawBody;
}

export interface BuiltRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Uint8Array | BodySource;
}

const encoder = new TextEncoder();

/** The HTTP request of a call, without credential. */
export function buildRequest(baseUrl: string, route: RouteAddress, input: LooseInput): BuiltRequest {
  const url = `${baseUrl}${API_PREFIX}${fillPath(route.path, input.params ?? {})}${queryText(input.query)}`;
  const headers: Record<string, string> = { accept: route.rawAnswer ?? 'application/json' };
  for (const [name, value] of Object.entries(input.headers ?? {})) {
    if (value !== undefined && value !== null) headers[name.toLowerCase()] = String(value);
  }
  const body = input.raw ?? jsonBody(input.body);
  if (body === undefined) return { method: route.method, url, headers };
  headers['content-type'] = input.raw === undefined ? 'application/json' : 'application/octet-stream';
  const size = body instanceof Uint8Array ? body.byteLength : body.size;
  if (size !== undefined) headers['content-length'] = String(size);
  return { method: route.method, url, headers, body };
}

const jsonBody = (body: unknown): Uint8Array | undefined =>
  body === undefined ? undefined : encoder.encode(JSON.stringify(body));

/** Puts the parameters into `/tasks/:task_id`. */
function fillPath(path: string, params: Record<string, unknown>): string {
  return path.replace(/:([a-z_]+)/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined || value === '') throw new TypeError(`The call of ${path} lacks its parameter "${name}".`);
    return encodeURIComponent(String(value));
  });
}

/** `?a=1&b=x`, or nothing; undefined and null are left out. */
export function queryText(query: Record<string, unknown> | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) search.append(name, String(value));
  }
  return search.size === 0 ? '' : `?${search}`;
}
