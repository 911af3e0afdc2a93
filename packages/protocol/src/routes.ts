import { agentRoutes } from './routes-agents.ts';
import { attemptRoutes } from './routes-attempts.ts';
import { identityRoutes } from './routes-identity.ts';
import { queueRoutes } from './routes-queue.ts';
import { rightsRoutes } from './routes-rights.ts';
import { signInRoutes } from './routes-sign-in.ts';
import { taskRoutes } from './routes-tasks.ts';
import { workspaceRoutes } from './routes-workspaces.ts';

/** Every HTTP call of the API by name. The server, the typed client, the OpenAPI document and the tests are made from this table. */
export const routes = {
  ...identityRoutes,
  ...signInRoutes,
  ...rightsRoutes,
  ...workspaceRoutes,
  ...taskRoutes,
  ...agentRoutes,
  ...queueRoutes,
  ...attemptRoutes,
};
export type Routes = typeof routes;
export type RouteName = keyof Routes;
