import type { z } from 'zod';
import type { Permission } from './words.ts';

/**
 * Which workspace a call is about, where rights on a single one may suffice: named by `:workspace_id` (id or name), that of
 * `:task_id`, of `:state_version_id` or of `:grant_id`, named by `workspace_id` in the body; or of none in particular: the
 * answer of a `listed` route holds what the caller may see.
 */
export type Place = 'workspace' | 'task' | 'state_version' | 'grant' | 'body' | 'listed';

/**
 * Who may call a route. Every route but the ones for nobody belongs to the caller's organisation. A user's permission is needed
 * on the workspace that `on` tells, or in the whole organisation where there is none.
 */
export type Access =
  | { readonly who: 'anybody' }
  | { readonly who: 'user'; readonly permission: Permission | 'signed_in'; readonly on?: Place }
  | { readonly who: 'registrant' }
  | { readonly who: 'agent' }
  /** The attempt's own credential; `act` ends with the attempt, `deliver` lasts until everything is confirmed. */
  | { readonly who: 'attempt'; readonly right: 'act' | 'deliver' };

/** One call of the API: its place, who may make it, and the schema of everything that goes in and out. */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  /** A JSON body. */
  readonly body?: z.ZodType;
  /** The body is raw bytes; `jsonToo` says that the route takes the JSON body above as well. */
  readonly rawBody?: { readonly maxBytes: number; readonly jsonToo?: boolean };
  /** The JSON answer; none means 204. */
  readonly answer?: z.ZodType;
  /** The answer is raw bytes. */
  readonly rawAnswer?: string;
  /** `Accept: text/plain` gives the thing itself in place of the JSON, whole or, with `Range`, a part. */
  readonly textToo?: true;
  /** 204 when there is nothing just now. */
  readonly mayBeNothing?: true;
  /** Default 200, or 204 without an answer. 302 sends a browser on, with a word in bytes for whoever reads it. */
  readonly status?: 201 | 202 | 302;
  /** Largest JSON body in bytes; default 1 MiB. */
  readonly maxBodyBytes?: number;
}

/** Keeps a route's literal types. */
export const route = <const R extends RouteSpec>(spec: R): R => spec;

type Input<S> = S extends z.ZodType ? z.input<S> : undefined;
type Output<S> = S extends z.ZodType ? z.output<S> : undefined;
type Field<R, K extends string> = R extends { readonly [P in K]: infer S } ? S : undefined;

/** What a caller gives. Parts the route does not have are absent. */
export type RouteInput<R extends RouteSpec> = {
  [K in 'params' | 'query' | 'headers' | 'body' as Field<R, K> extends z.ZodType ? K : never]: Input<Field<R, K>>;
};
/** What a handler receives after validation. */
export type RouteParsed<R extends RouteSpec> = {
  [K in 'params' | 'query' | 'headers' | 'body']: Output<Field<R, K>>;
};
/** What a handler returns and a caller gets. */
export type RouteAnswer<R extends RouteSpec> =
  Field<R, 'answer'> extends z.ZodType ? Output<Field<R, 'answer'>> : undefined;
