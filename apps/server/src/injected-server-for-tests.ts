import { type Clock, createLogger, newId, newSecret, sha256Hex } from '@groundcrew/kit';
import type { ApiTokenCreated, ErrorBody, OrganizationId, OrganizationRole, User } from '@groundcrew/protocol';
import { createTemporaryFolder, createTestDatabase, type TestDatabase } from '@groundcrew/testkit';
import { buildServer, type Server } from './build-server.ts';
import { readConfiguration } from './configuration.ts';

export interface CallOptions {
  /** Whose token; the owner's when not given, none when null. */
  token?: string | null;
  headers?: Record<string, string>;
  /** Sent as it is when bytes, else as JSON. */
  body?: unknown;
}

/** An answer as a test looks at it. */
export interface Called<T> {
  status: number;
  body: T;
  headers: Record<string, unknown>;
  bytes: Buffer;
}

/** The whole server on a database of its own, called without a network. */
export interface TestServer {
  server: Server;
  database: TestDatabase;
  organizationId: OrganizationId;
  /** An owner's. */
  token: string;
  /** Calls a route; `path` is what follows `/api/v1`. */
  call<T = Record<string, unknown> & ErrorBody>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options?: CallOptions,
  ): Promise<Called<T>>;
  /** A new user of this role and a token of theirs. */
  addUser(role: OrganizationRole, name?: string): Promise<{ user: User; token: string }>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  env?: Record<string, string>;
  clock?: Clock;
}

export async function createTestServer({ env = {}, clock }: TestServerOptions = {}): Promise<TestServer> {
  const [folder, database] = [createTemporaryFolder('server'), await createTestDatabase()];
  const configuration = readConfiguration({ GROUNDCREW_HOME: folder.path, ...env });
  const logger = createLogger({ name: 'test', level: 'error' });
  const server = await buildServer({
    configuration,
    address: database.address,
    logger,
    strict: true,
    ...(clock && { clock }),
  });
  const { signInToken, organizationId } = await server.modules.users.prepareFirstStart();

  async function call<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    { token: bearer = token, headers = {}, body }: CallOptions = {},
  ): Promise<Called<T>> {
    const answer = await server.http.app.inject({
      method,
      url: `/api/v1${path}`,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(Buffer.isBuffer(body) ? { 'content-type': 'application/octet-stream' } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const isJson = String(answer.headers['content-type']).startsWith('application/json') && answer.body !== '';
    return {
      status: answer.statusCode,
      body: (isJson ? answer.json() : undefined) as T,
      headers: answer.headers,
      bytes: answer.rawPayload,
    };
  }

  let token = '';
  const signedIn = await call<ApiTokenCreated>('POST', '/sign-in', {
    token: null,
    body: { sign_in_token: signInToken },
  });
  token = signedIn.body.token;

  async function addUser(role: OrganizationRole, name: string = role): Promise<{ user: User; token: string }> {
    const { body: user } = await call<User>('POST', '/users', { body: { name, role } });
    const { body: made } = await call<ApiTokenCreated>('POST', '/tokens', { body: { name: 'test', user_id: user.id } });
    return { user, token: made.token };
  }

  return {
    server,
    database,
    organizationId,
    token,
    call,
    addUser,
    async close() {
      await server.close();
      await database.drop();
      folder.remove();
    },
  };
}

/** A second organisation in the same database, with an owner's token: somebody who must see nothing of the first. */
export async function addForeigner({ database }: TestServer): Promise<string> {
  const [organizationId, userId] = [newId('org'), newId('user')];
  await database.db.insertInto('organizations').values({ id: organizationId, name: organizationId }).execute();
  await database.db
    .insertInto('users')
    .values({ id: userId, organization_id: organizationId, name: 'foreigner', role: 'owner' })
    .execute();
  const token = `gct_${newSecret()}`;
  await database.db
    .insertInto('api_tokens')
    .values({
      id: newId('tok'),
      organization_id: organizationId,
      user_id: userId,
      name: 'test',
      kind: 'api',
      token_hash: sha256Hex(token),
    })
    .execute();
  return token;
}
