import * as protocol from '@groundcrew/protocol';
import { API_PREFIX, ErrorBody, type RouteSpec, routes } from '@groundcrew/protocol';
import { type FastifyInstance, fastify } from 'fastify';
import * as z from 'zod';
import { type OpenApiDocument, tidyDocument } from './tidy-document.ts';

const CREDENTIALS = {
  user: 'API token of a user (`gct_…`).',
  registrant: 'Registration token of an agent (`agt_…`) or of a pool (`apt_…`).',
  agent: 'What registering gave, or the agent’s own token (`agt_…`).',
  attempt: 'The secret of one attempt (`att_…`).',
} as const;

/**
 * Makes the OpenAPI 3.1 document out of the route table. The same table always gives the same text. Takes a good part of a
 * second and a few libraries, so it is made only when somebody asks.
 */
export async function createOpenApiDocument(version: string): Promise<OpenApiDocument> {
  const [{ default: swagger }, provider] = await Promise.all([
    import('@fastify/swagger'),
    import('fastify-type-provider-zod'),
  ]);
  const registry = registerSchemas();
  const app = fastify();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: infoOf(version), components: { securitySchemes: securitySchemes() } },
    transform: provider.createJsonSchemaTransform({ schemaRegistry: registry }),
    transformObject: provider.createJsonSchemaTransformObject({ schemaRegistry: registry }),
  } as Parameters<typeof swagger>[1]);
  await app.register(async (scope) => addRoutes(scope));
  await app.ready();
  const document = JSON.parse(JSON.stringify(app.swagger())) as OpenApiDocument;
  await app.close();
  for (const spec of Object.values(routes)) completeOperation(document, spec);
  return tidyDocument(document);
}

/**
 * Messages and closed lists that the protocol exports become components of that name. A schema that only says what clients may
 * send is left out: the plugin makes `<name>Input` of each by itself.
 */
function registerSchemas() {
  const registry = z.registry<{ id: string }>();
  for (const [name, value] of Object.entries(protocol).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const isComponent = value instanceof z.ZodObject || value instanceof z.ZodEnum;
    if (isComponent && !name.endsWith('Input') && !registry.has(value)) registry.add(value, { id: name });
  }
  return registry;
}

const infoOf = (version: string) => ({
  title: 'Groundcrew',
  version,
  description:
    'Control plane for Terraform and OpenTofu. Times are ISO 8601 in UTC; durations are seconds; checksums are SHA-256 in lower-case hex.',
});

/** What comes in another place than the Authorization header. */
const OTHER_CREDENTIALS = {
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-groundcrew',
    description: 'A signed-in browser; everything but GET also needs its csrf_token as `X-CSRF-Token`.',
  },
  app_key: { type: 'apiKey', in: 'header', name: 'X-App-Key', description: 'Key of a machine client.' },
  app_secret: { type: 'apiKey', in: 'header', name: 'X-App-Secret', description: 'Its secret (`gcm_…`).' },
} as const;

const securitySchemes = () => ({
  ...Object.fromEntries(
    Object.entries(CREDENTIALS).map(([name, description]) => [name, { type: 'http', scheme: 'bearer', description }]),
  ),
  ...OTHER_CREDENTIALS,
});

const BY_APP_KEY = { app_key: [], app_secret: [] };

/** The credentials of which one is needed. */
function securityOf({ who }: RouteSpec['access']): object[] {
  if (who === 'anybody') return [];
  if (who === 'user') return [{ user: [] }, { session: [] }, BY_APP_KEY];
  return who === 'registrant' ? [{ registrant: [] }, BY_APP_KEY] : [{ [who]: [] }];
}

function addRoutes(app: FastifyInstance): void {
  for (const [name, spec] of Object.entries(routes) as [string, RouteSpec][])
    app.route({
      method: spec.method,
      url: API_PREFIX + spec.path,
      schema: toSchema(name, spec),
      exposeHeadRoute: false,
      handler: async () => undefined,
    });
}

/** A row of the table in the words of the OpenAPI plugin. */
function toSchema(name: string, spec: RouteSpec): object {
  const { summary, tag, access, params, query, headers, body } = spec;
  return {
    operationId: name,
    summary,
    tags: [tag],
    description: describeAccess(access),
    security: securityOf(access),
    // Parameters are listed one by one, which the plugin cannot do for a component; a copy is none.
    ...(params && { params: z.object(params.shape) }),
    ...(query && { querystring: z.object(query.shape) }),
    ...(headers && { headers: z.object(headers.shape) }),
    ...(body && { body }),
    response: {
      ...successOf(spec),
      default: { description: 'What went wrong.', content: { 'application/json': { schema: ErrorBody } } },
    },
  };
}

function successOf({ status, answer }: RouteSpec): object {
  if (answer === undefined) return {};
  return { [status ?? 200]: { description: 'Done.', content: { 'application/json': { schema: answer } } } };
}

const BYTES = { schema: { type: 'string', format: 'binary' } };
const describeBytes = (type: string, status: number): object => ({
  description: status === 302 ? 'Go on to the address in the Location header.' : 'The bytes.',
  content: { [type]: BYTES },
});

interface Operation {
  requestBody?: { required: boolean; content: Record<string, unknown> };
  responses: Record<string, unknown>;
}

/** Adds what the plugin cannot say: bodies and answers that are bytes, answers that are nothing. */
function completeOperation(document: OpenApiDocument, spec: RouteSpec): void {
  const { method, path, rawBody, answer, rawAnswer, status = 200, textToo, mayBeNothing } = spec;
  const url = API_PREFIX + path.replace(/:([a-z_]+)/g, '{$1}');
  const operation = (document.paths[url] as Record<string, Operation>)[method.toLowerCase()] as Operation;
  if (rawBody !== undefined)
    operation.requestBody = {
      required: true,
      content: { ...operation.requestBody?.content, 'application/octet-stream': BYTES },
    };
  const { default: failure, ...success } = operation.responses;
  if (rawAnswer !== undefined) success[status] = describeBytes(rawAnswer, status);
  else if (answer === undefined) success[204] = { description: 'Done.' };
  if (textToo) addText(success);
  if (mayBeNothing) success[204] = { description: 'There is nothing just now.' };
  operation.responses = { ...success, default: failure };
}

function addText(success: Operation['responses']): void {
  const { content } = success[200] as { content: object };
  const text = { 'text/plain': { schema: { type: 'string' } } };
  success[200] = { description: 'Done.', content: { ...content, ...text } };
  success[206] = { description: 'The part that Range names.', content: text };
}

const WHERE = {
  organization: ' in the organisation',
  workspace: ' on the workspace',
  body: ' on the workspace that the body names',
  task: " on the task's workspace",
  state_version: " on the state's workspace",
  grant: " on the grant's workspace",
  listed: '; the list holds what it covers',
} as const;

function describeAccess(access: RouteSpec['access']): string {
  if (access.who === 'anybody') return 'Needs no credential.';
  if (access.who === 'user')
    return access.permission === 'signed_in'
      ? 'Needs a signed-in user.'
      : `Needs the permission \`${access.permission}\`${WHERE[access.on ?? 'organization']}.`;
  if (access.who === 'attempt')
    return access.right === 'act'
      ? 'Refused with `fenced` once the attempt has ended.'
      : 'Taken also after the attempt has ended.';
  return `Needs ${access.who === 'agent' ? "an agent's credential" : 'a registration token'}.`;
}
