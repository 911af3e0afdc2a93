import * as protocol from '@groundcrew/protocol';
import { API_PREFIX, ErrorBody, type RouteSpec, routes } from '@groundcrew/protocol';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

/** An OpenAPI document as plain data. */
export type OpenApiDocument = Record<string, unknown>;

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
  const [{ fastify }, { default: swagger }, provider] = await Promise.all([
    import('fastify'),
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
  return document;
}

/** Every schema that the protocol exports by name becomes a component of that name. */
function registerSchemas() {
  const registry = z.registry<{ id: string }>();
  for (const [name, value] of Object.entries(protocol))
    if (value instanceof z.ZodType && !registry.has(value)) registry.add(value, { id: name });
  return registry;
}

const infoOf = (version: string) => ({
  title: 'Groundcrew',
  version,
  description:
    'Control plane for Terraform and OpenTofu. Times are ISO 8601 in UTC; durations are seconds; checksums are SHA-256 in lower-case hex.',
});

const securitySchemes = () =>
  Object.fromEntries(
    Object.entries(CREDENTIALS).map(([name, description]) => [name, { type: 'http', scheme: 'bearer', description }]),
  );

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
  const { summary, tag, access, params, query, headers, body, rawBody } = spec;
  return {
    operationId: name,
    summary,
    tags: [tag],
    description: describeAccess(access),
    security: access.who === 'anybody' ? [] : [{ [access.who]: [] }],
    ...(params && { params }),
    ...(query && { querystring: query }),
    ...(headers && { headers }),
    ...(body && { body }),
    ...(rawBody && {
      consumes: rawBody.jsonToo ? ['application/json', 'application/octet-stream'] : ['application/octet-stream'],
    }),
    response: {
      ...successOf(spec),
      default: { description: 'What went wrong.', content: { 'application/json': { schema: ErrorBody } } },
    },
  };
}

function successOf({ status, answer, rawAnswer }: RouteSpec): object {
  if (rawAnswer !== undefined)
    return { 200: { description: 'The bytes.', content: { [rawAnswer]: { schema: z.string() } } } };
  if (answer === undefined)
    return { 204: { description: 'Done.', content: { 'application/json': { schema: z.undefined() } } } };
  return { [status ?? 200]: { description: 'Done.', content: { 'application/json': { schema: answer } } } };
}

function describeAccess(access: RouteSpec['access']): string {
  if (access.who === 'anybody') return 'Needs no credential.';
  if (access.who === 'user')
    return access.permission === 'signed_in'
      ? 'Needs a signed-in user.'
      : `Needs the permission \`${access.permission}\`.`;
  if (access.who === 'attempt')
    return access.right === 'act'
      ? 'Refused with `fenced` once the attempt has ended.'
      : 'Taken also after the attempt has ended.';
  return `Needs ${access.who === 'agent' ? "an agent's credential" : 'a registration token'}.`;
}
