import { agentRoutes } from './routes-agents.ts';
import { attemptRoutes } from './routes-attempts.ts';
import { identityRoutes } from './routes-identity.ts';
import { taskRoutes } from './routes-tasks.ts';
import { workspaceRoutes } from './routes-workspaces.ts';

/** Every HTTP call of the API by name. The server, the typed client, the OpenAPI document and the tests are made from this table. */
export const routes = { ...identityRoutes, ...workspaceRoutes, ...taskRoutes, ...agentRoutes, ...attemptRoutes };
export type Routes = typeof routes;
export type RouteName = keyof Routes;

/** Prefix of every route in the table. */
export const API_PREFIX = '/api/v1';
/** The WebSockets, which have no row in the table. */
export const SOCKETS = {
  viewerLogs: '/ws/logs',
  agentLogs: '/ws/agent/logs',
  events: '/ws/events',
  control: '/api/v1/agents/control',
} as const;
