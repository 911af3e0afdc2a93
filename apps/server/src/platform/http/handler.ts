import type { Readable } from 'node:stream';
import type { RouteAnswer, RouteName, RouteParsed, RouteSpec, Routes } from '@groundcrew/protocol';
import type { CallerOf, RequestInfo } from './caller.ts';
import type { RawBody } from './raw-body.ts';

/** Bytes, or a status, in place of the route's JSON answer. Made by {@link rawAnswer} and {@link noContent}. */
export class RawAnswer {
  readonly content: Readable | Uint8Array | undefined;
  readonly contentType: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;

  constructor(
    content: Readable | Uint8Array | undefined,
    options: { contentType?: string | undefined; headers?: Record<string, string> | undefined; status: number },
  ) {
    this.content = content;
    this.contentType = options.contentType;
    this.headers = options.headers ?? {};
    this.status = options.status;
  }
}

export type RawAnswerInput = ({ readonly stream: Readable } | { readonly buffer: Uint8Array }) & {
  /** Default: the route's `rawAnswer`. */
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
  /** Default 200. */
  readonly status?: number;
};

/** Answers with bytes, whole or as a stream. */
export const rawAnswer = (input: RawAnswerInput): RawAnswer =>
  new RawAnswer('stream' in input ? input.stream : input.buffer, {
    contentType: input.contentType,
    headers: input.headers,
    status: input.status ?? 200,
  });

/** Answers 204: there is nothing just now. */
export const noContent = (): RawAnswer => new RawAnswer(undefined, { status: 204 });

type RawPart<R extends RouteSpec> = R extends { readonly rawBody: { readonly jsonToo: true } }
  ? { body: RouteParsed<R>['body'] | undefined; raw: RawBody | undefined }
  : R extends { readonly rawBody: object }
    ? { body: undefined; raw: RawBody }
    : { body: RouteParsed<R>['body']; raw?: undefined };

/** What a handler is called with: the checked parts of the request, the raw body where the route takes one, and who calls. */
type HandlerInput<R extends RouteSpec> = Omit<RouteParsed<R>, 'body'> &
  RawPart<R> & { caller: CallerOf<R['access']>; request: RequestInfo };

/** What a handler gives: the route's JSON, nothing where it has none (204), bytes where it answers with bytes. */
type Outcome<R extends RouteSpec> = R extends { readonly answer: object }
  ? Promise<RouteAnswer<R> | RawAnswer>
  : R extends { readonly rawAnswer: string }
    ? Promise<RawAnswer>
    : Promise<void>;

/** Carries out one route. Throws `AppError` to refuse. */
type Handler<N extends RouteName> = (input: HandlerInput<Routes[N]>) => Outcome<Routes[N]>;

/** One handler for every route of the table. A module gives `Partial<Handlers>`. */
export type Handlers = { [N in RouteName]: Handler<N> };

/** Any handler, for code that goes through the table. */
export type AnyHandler = (input: never) => Promise<unknown>;

/** Puts the modules' handlers together; a route that two modules claim is a mistake in the composition. */
export function mergeHandlers(parts: readonly Partial<Handlers>[]): Partial<Handlers> {
  const merged: Record<string, AnyHandler> = {};
  for (const [name, handler] of parts.flatMap((part) => Object.entries(part))) {
    if (name in merged) throw new Error(`The route ${name} has two handlers; remove one of them from the composition.`);
    merged[name] = handler as AnyHandler;
  }
  return merged as Partial<Handlers>;
}
