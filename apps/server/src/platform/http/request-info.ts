import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestInfo } from './caller.ts';
import type { Claim } from './idempotency/claim.ts';

/**
 * What is known of a request. `closing` aborts when the server shuts down. The signal is made only when somebody asks for it:
 * most handlers do not wait for anything but the database.
 */
export function createRequestInfo(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  address: string,
  closing: AbortSignal,
): RequestInfo {
  let signal: AbortSignal | undefined;
  return {
    id,
    address,
    headers: request.headers,
    claim: undefined,
    setCookie: (cookie) => void response.appendHeader('set-cookie', cookie),
    get signal() {
      signal ??= AbortSignal.any([closing, goneSignal(response)]);
      return signal;
    },
  };
}

/** The same request, with the claim its `Idempotency-Key` won. */
export function withClaim(info: RequestInfo, claim: Claim): RequestInfo {
  return {
    id: info.id,
    address: info.address,
    headers: info.headers,
    claim,
    setCookie: info.setCookie,
    get signal() {
      return info.signal;
    },
  };
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  // `close` also comes after a normal end; aborting then hurts nobody.
  response.once('close', () => gone.abort());
  if (response.closed) gone.abort();
  return gone.signal;
}
