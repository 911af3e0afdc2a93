import { createLogger, type Logger, systemClock } from '@groundcrew/kit';
import { type OrganizationId, type Permission, routes, type UserId } from '@groundcrew/protocol';
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
  permissions: new Set(permissions),
  tokenId: 'tok-aaaaaaaaaaaaaaaaaaaa' as UserIdentity['tokenId'],
});

const USERS = [
  testUser('reader', ['workspace:read', 'task:read']),
  testUser('writer', ['workspace:read', 'workspace:write', 'configuration:write', 'token:write']),
];

const authenticators: Authenticators = {
  user: async (token) => USERS.find(({ name }) => name === token),
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
    idempotency: undefined as unknown as Idempotency,
    checkAnswers: true,
    ...options,
  });
}
