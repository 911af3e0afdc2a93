/** A request to the agent's own HTTP, as far as it decides who may do what. */
export interface LocalRequest {
  method: string;
  /** Without the query. */
  path: string;
  /** Where it comes from. */
  remoteAddress: string;
  accept: string;
  /** Of the `Authorization` header. */
  bearer: string | undefined;
  /** Sent by browsers on behalf of a page. */
  hasOrigin: boolean;
}

export type LocalChoice =
  | { do: 'health' }
  | { do: 'metrics'; as: 'json' | 'text' }
  | { do: 'reload' }
  | { do: 'refuse'; status: 401 | 403 | 404 | 405; error: string; allow?: string };

const METHODS: Readonly<Record<string, string>> = { '/health': 'GET', '/metrics': 'GET', '/reload': 'POST' };

/**
 * What a request gets. Health and metrics are for whoever reaches the address; a reload is for this host, or for who knows the
 * token. A page in a browser on this host reaches loopback as well, so what comes with an `Origin` needs the token too.
 *
 * @param isToken compares in constant time; always false when no token is configured
 */
export function decideLocalRequest(request: LocalRequest, isToken: (given: string) => boolean): LocalChoice {
  const { method, path } = request;
  const allowed = METHODS[path];
  if (allowed === undefined) return refuse(404, 'The agent has no such path; there are /health, /metrics and /reload.');
  if (method !== allowed && !(method === 'HEAD' && allowed === 'GET'))
    return { ...refuse(405, `${path} takes ${allowed} only.`), allow: allowed };
  if (path === '/health') return { do: 'health' };
  if (path === '/metrics') return { do: 'metrics', as: wantsText(request.accept) ? 'text' : 'json' };
  return decideReloader(request, isToken);
}

function decideReloader(
  { bearer, remoteAddress, hasOrigin }: LocalRequest,
  isToken: (given: string) => boolean,
): LocalChoice {
  if (bearer !== undefined)
    return isToken(bearer)
      ? { do: 'reload' }
      : refuse(401, 'This token does not count; it is http.token of the agent.');
  if (isLoopbackAddress(remoteAddress) && !hasOrigin) return { do: 'reload' };
  return refuse(403, 'A reload is for this host alone, or for whoever brings http.token of the agent as bearer token.');
}

const refuse = (status: 401 | 403 | 404 | 405, error: string): LocalChoice & { do: 'refuse' } => ({
  do: 'refuse',
  status,
  error,
});

const isLoopbackAddress = (address: string): boolean => /^(::1$|(::ffff:)?127\.)/.test(address);

/** Prometheus asks for text and lists JSON nowhere; whoever does not say gets JSON. */
const wantsText = (accept: string): boolean =>
  !accept.includes('application/json') && /text\/plain|application\/openmetrics-text/.test(accept);
