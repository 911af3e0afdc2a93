import type { RouteSpec } from './route.ts';
import { type RouteName, routes } from './routes.ts';

/** Prefix of every route in the table. */
export const API_PREFIX = '/api/v1';
/** The WebSockets, which have no row in the table. */
export const SOCKETS = {
  viewerLogs: '/ws/logs',
  agentLogs: '/ws/agent/logs',
  events: '/ws/events',
  control: '/api/v1/agents/control',
} as const;

/** What it takes to call a route and to read its answer, without any schema. */
export interface RouteAddress {
  readonly method: RouteSpec['method'];
  /** With `:name` for parameters. */
  readonly path: string;
  /** Media type of an answer in raw bytes. */
  readonly rawAnswer?: string;
  /** There is a JSON answer. */
  readonly hasAnswer: boolean;
}

/**
 * The route table as its callers need it. The build puts the values themselves in the place of this module, so that a program which
 * only calls routes carries no schemas for it (docs/adr/0004).
 */
export const addresses = Object.fromEntries(
  Object.entries<RouteSpec>(routes).map(([name, { method, path, rawAnswer, answer }]) => [
    name,
    { method, path, ...(rawAnswer === undefined ? {} : { rawAnswer }), hasAnswer: answer !== undefined },
  ]),
) as Record<RouteName, RouteAddress>;
