import { createLogger, type Logger, systemClock } from '@groundcrew/kit';
import {
  type ApiTokenId,
  type OrganizationId,
  type Permission,
  routes,
  type UserId,
  type Workspace,
} from '@groundcrew/protocol';
import type { Authenticators, UserIdentity } from './caller.ts';
import { createHttp, type Http, type HttpOptions } from './create-http.ts';
import type { Handlers } from './handler.ts';
import type { Idempotency } from './idempotency/idempotency.ts';

/** A user whose token is `<name>`. */
export const testUser = (name: string, permissions: readonly Permission[]): UserIdentity => ({
  kind: 'user',
  organizationId: 'org-aaaaaaaaaaaaaaaaaaaa' as OrganizationId,
  userId: `user-${name}aaaaaaaa` as UserId,
  name,
  role: 'operator',
  rights: { everywhere: new Set(permissions), onWorkspaces: new Map() },
  permissions: new Set(permissions),
  via: { kind: 'token', id: 'tok-aaaaaaaaaaaaaaaaaaaa' as ApiTokenId },
});

const USERS = [
  testUser('reader', ['workspace:read', 'task:read']),
  testUser('writer', ['workspace:read', 'workspace:write', 'configuration:write', 'token:write']),
];

const authenticators: Authenticators = {
  user: async (credential) => USERS.find(({ name }) => credential.kind === 'bearer' && name === credential.token),
  agent: async () => undefined,
  registrant: async () => undefined,
  attempt: async () => undefined,
};

export interface TestHttpOptions extends Partial<HttpOptions> {
  /** The rest of the table answers that it is not there. */
  handlers?: Handlers;
  routes?: Partial<Handlers>;
}

/** The boundary with handlers of the test's own. */
export function createTestHttp({ routes: own = {}, ...options }: TestHttpOptions = {}): Http {
  const silent: Logger = createLogger({ name: 'test', level: 'silent' });
  const absent = Object.fromEntries(
    Object.keys(routes).map((name) => [name, () => Promise.reject(new Error(`The test has no handler for ${name}.`))]),
  );
  return createHttp({
    logger: silent,
    clock: systemClock,
    handlers: { ...absent, ...own } as unknown as Handlers,
    authenticators,
    findPlace: async () => undefined,
    idempotency: undefined as unknown as Idempotency,
    checkAnswers: true,
    ...options,
  });
}

/** A workspace for handlers that have to give one. */
export const WORKSPACE: Workspace = {
  workspace_id: 'ws-aaaaaaaaaaaaaaaaaaaa' as Workspace['workspace_id'],
  name: 'a',
  description: '',
  organization_id: 'org-aaaaaaaaaaaaaaaaaaaa' as Workspace['organization_id'],
  tool: 'terraform',
  terraform_version: null,
  execution_mode: 'server',
  agent_pool_id: null,
  k8s_config_id: null,
  labels: [],
  auto_approve: false,
  working_directory: '',
  provider_config: null,
  tf_code: null,
  system_variables: {},
  plan_timeout_seconds: 1,
  apply_timeout_seconds: 1,
  locked: null,
  hold_task_id: null,
  configuration_id: null,
  tf_state: null,
  quarantined_states: 0,
  metadata: {},
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
};
