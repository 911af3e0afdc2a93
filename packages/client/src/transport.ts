/** Bytes that can be opened again for another try; `size` in bytes when it is known, else they are sent chunked. */
export interface BodySource {
  open(): AsyncIterable<Uint8Array>;
  size?: number;
}

export interface TransportRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Uint8Array | BodySource;
  /** Ends the exchange at any time, the reading of the answer included. */
  signal: AbortSignal;
}

/** An answer whose head has arrived. Its body is read once, by `bytes` or `stream`, or thrown away by `cancel`. */
export interface TransportAnswer {
  status: number;
  /** @param name in lower case */
  header(name: string): string | undefined;
  bytes(): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
  cancel(): void;
}

/**
 * Carries one request and gives its answer, whatever the status. Throws {@link ConnectionError} when there is none, or the
 * signal's reason once it aborts. Knows nothing of the API; never follows a redirect.
 */
export interface Transport {
  send(request: TransportRequest): Promise<TransportAnswer>;
  /** Gives back idle connections. */
  close(): void;
}
