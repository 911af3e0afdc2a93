import type { RouteAnswer, RouteInput, RouteName, Routes } from '@groundcrew/protocol';
import type { BodySource } from './transport.ts';

type Spec<N extends RouteName> = Routes[N];
type Nothing = Record<never, never>;
type Simplify<T> = { [K in keyof T]: T[K] };
/** Parts whose every field may be left out may be left out themselves. */
type Lenient<T> = { [K in keyof T as Nothing extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as Nothing extends T[K] ? K : never]?: T[K];
};

/** Bytes, or a way to open them, so that another try can send them again. */
export type RawBody = Uint8Array | BodySource;
/** What the route's raw body asks of a call: nothing, `raw`, or `raw` in the place of `body`. */
type Parts<N extends RouteName> =
  Spec<N> extends { readonly rawBody: infer Raw }
    ? Raw extends { readonly jsonToo: true }
      ? RouteInput<Routes[N]> | (Omit<RouteInput<Routes[N]>, 'body'> & { raw: RawBody })
      : RouteInput<Routes[N]> & { raw: RawBody }
    : RouteInput<Routes[N]>;

type Distribute<T> = T extends unknown ? Simplify<Lenient<T>> : never;
/** What a call of the route takes: the parts its row in the table has, and `raw` where it takes raw bytes. */
export type CallInput<N extends RouteName> = Distribute<Parts<N>>;

/** Routes whose 204 means "nothing" beside an answer. */
type MayBeEmpty = 'pullTask';
/** What a call gives: the parsed JSON, undefined for 204, or the open answer of a route that sends raw bytes. */
export type CallAnswer<N extends RouteName> =
  Spec<N> extends { readonly rawAnswer: string }
    ? RawAnswer
    : N extends MayBeEmpty
      ? RouteAnswer<Routes[N]> | undefined
      : RouteAnswer<Routes[N]>;

/** A raw answer. Its body is read once; one that is not wanted must be cancelled, or its connection stays taken. */
export interface RawAnswer {
  status: number;
  /** @param name in lower case */
  header(name: string): string | undefined;
  /** From `Content-Length`. */
  size: number | undefined;
  bytes(): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
  cancel(): void;
}

/**
 * `never`: one try. `idempotent`: the caller knows that doing it twice does no harm. `until_answered`: the same, and tries go on
 * until the server gives an answer that another try cannot change, or the signal aborts.
 */
export type CallRetry = 'never' | 'idempotent' | 'until_answered';

export interface CallOptions {
  /** Ends the call and its retries; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** How long one try may take to its answer's last byte (a raw answer: to its head). Default 30 s, 10 min with a raw body. */
  timeoutMs?: number;
  /** Sent as `Idempotency-Key`: the server does the thing once however often it is asked, so the call may be retried. */
  idempotencyKey?: string;
  /** Default: GET, PUT, DELETE and calls with an idempotency key are retried; others only when they certainly never arrived. */
  retry?: CallRetry;
  /** More headers, such as those that go with a raw body. */
  headers?: Record<string, string | number>;
  /** Instead of the client's; undefined inherits it. */
  token?: string;
}

export type CallArguments<N extends RouteName> =
  Nothing extends CallInput<N>
    ? [input?: CallInput<N>, options?: CallOptions]
    : [input: CallInput<N>, options?: CallOptions];
