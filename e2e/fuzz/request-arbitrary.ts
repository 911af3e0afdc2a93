import fc from 'fast-check';
import type { Document, Operation, Parameter } from './document.ts';
import { type Example, NEW_NAME, readExamples } from './examples.ts';
import { type KnownName, MARK_BY_PREFIX, markOf } from './known.ts';
import { mutate, mutation } from './mutation.ts';
import { brokenText, nastyJson, nastyText } from './nasty.ts';
import { arbitraryOf } from './schema-arbitrary.ts';

/** A request that is still to be filled with what is there. */
export interface FuzzRequest {
  readonly operation: Operation;
  readonly method: string;
  /** Values of the path's parameters, not encoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Keys may come more than once. */
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly credential: 'right' | 'none' | 'broken' | 'other';
  /** Text, or bytes in base64; none is sent for undefined. */
  readonly body: { readonly text: string } | { readonly base64: string } | undefined;
}

/** Any request of any call; one in four keeps close to an example of the contract. */
export function anyRequest(document: Document): fc.Arbitrary<FuzzRequest> {
  const examplesOf = readExamples();
  return fc.oneof(
    ...document.operations.map((operation) =>
      fc.oneof(
        { arbitrary: requestOf(document, operation), weight: 3 },
        {
          arbitrary: fc.oneof(...examplesOf(operation).map((example) => exampleRequestOf(operation, example))),
          weight: 1,
        },
      ),
    ),
  );
}

/** An example as it stands, or with its body bent in a place or two: what only the right request gets to is behind it. */
const exampleRequestOf = (operation: Operation, { query, headers, body }: Example): fc.Arbitrary<FuzzRequest> =>
  fc.record({
    operation: fc.constant(operation),
    method: fc.constant(operation.method),
    params: fc.constant(
      Object.fromEntries(
        operation.parameters
          .filter((parameter) => parameter.in === 'path')
          .map(({ name }) => [name, markOf(knownParam(operation, name))]),
      ),
    ),
    query: fc.constant(query),
    headers: fc.constant(headers),
    credential: fc.constant('right' as const),
    body: exampleBodyOf(body).map(operation.operationId === 'pullTask' ? withoutWaiting : (made) => made),
  });

function exampleBodyOf(body: Example['body']): fc.Arbitrary<FuzzRequest['body']> {
  if (body === undefined || 'base64' in body) return fc.constant(body);
  const bent = fc.array(mutation, { minLength: 1, maxLength: 2 });
  const mutations = fc.oneof({ arbitrary: fc.constant([]), weight: 2 }, { arbitrary: bent, weight: 1 });
  return fc
    .tuple(mutations, fc.stringMatching(/^[a-z]{12}$/))
    .map(([all, name]) => ({ text: toText(all.reduce(mutate, body.json)).text.replaceAll(NEW_NAME, name) }));
}

function requestOf(document: Document, operation: Operation): fc.Arbitrary<FuzzRequest> {
  const inPlace = (place: Parameter['in']) => operation.parameters.filter((parameter) => parameter.in === place);
  const params = Object.fromEntries(
    inPlace('path').map((parameter) => [parameter.name, paramOf(operation, parameter)]),
  );
  const declared = inPlace('header').map(({ name, schema }) => [name, textOf(document, schema)] as const);
  return fc.record({
    operation: fc.constant(operation),
    method: rarely(
      fc.constant(operation.method),
      fc.constantFrom('PATCH', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'),
    ),
    params: fc.record(params) as fc.Arbitrary<Record<string, string>>,
    query: queryOf(document, inPlace('query')),
    headers: fc.tuple(fc.record(Object.fromEntries(declared)), contentTypeOf(operation), oddHeaders).map(mergeAll),
    credential: fc.oneof(
      { arbitrary: fc.constant('right' as const), weight: 30 },
      fc.constantFrom('none' as const, 'broken' as const, 'other' as const),
    ),
    body: bodyOf(document, operation).map(operation.operationId === 'pullTask' ? withoutWaiting : (body) => body),
  });
}

const mergeAll = (parts: readonly Record<string, unknown>[]): Record<string, string> => Object.assign({}, ...parts);

/** The usual, and now and then something else. */
const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 20 }, { arbitrary: odd, weight: 1 });

/** Which known thing a path's parameter names. */
function knownParam({ path, credential }: Operation, name: string): KnownName {
  if (credential === 'attempt' || credential === 'agent') return name === 'task_id' ? 'own_task' : 'own_agent_name';
  if (name === 'id') return path.startsWith('/api/v1/agent-pools') ? 'pool' : 'agent';
  if (name === 'token_id') return path.startsWith('/api/v1/agent-pools') ? 'pool_token' : 'api_token';
  return (Object.values(MARK_BY_PREFIX).find((known) => `${known}_id` === name) ?? 'workspace') as KnownName;
}

const paramOf = (operation: Operation, { name }: Parameter): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constant(markOf(knownParam(operation, name))), weight: 10 },
    {
      arbitrary: fc.constantFrom('task-aaaaaaaaaaaaaaaaaaaa', 'ws-zzzzzzzzzzzz', '«workspace_name»', '«own_agent»'),
      weight: 1,
    },
    { arbitrary: nastyText, weight: 2 },
  );

const textOf = (document: Document, schema: Parameter['schema']): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: arbitraryOf(document, schema).map(String), weight: 5 },
    { arbitrary: headerSafe(nastyText), weight: 1 },
  );

/** Header values as HTTP/1.1 can carry them; others never leave the client. */
const headerSafe = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  texts.map((text) =>
    Buffer.from(text, 'utf8')
      .toString('latin1')
      .replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, ''),
  );

function queryOf(document: Document, parameters: readonly Parameter[]): fc.Arbitrary<[string, string][]> {
  const known = parameters.map(({ name, schema }) =>
    fc.tuple(
      fc.constant(name),
      fc.oneof({ arbitrary: arbitraryOf(document, schema).map(String), weight: 4 }, nastyText),
    ),
  );
  const unknown = fc.tuple(
    fc.oneof(fc.constantFrom('limit', 'cursor', '__proto__', 'a[b]', 'a[]', ''), nastyText),
    nastyText,
  );
  return fc.array(known.length > 0 ? fc.oneof({ arbitrary: fc.oneof(...known), weight: 6 }, unknown) : unknown, {
    maxLength: known.length > 0 ? 4 : 1,
  });
}

/** Which content type goes along; now and then one that the call does not take, or does not know. */
function contentTypeOf({ body }: Operation): fc.Arbitrary<Record<string, string>> {
  if (body === undefined) return fc.constant({});
  const usual = fc.constantFrom(...Object.keys(body));
  const odd = fc.constantFrom(
    ...[
      'application/json; charset=utf-8',
      'application/json; charset=utf-16',
      'APPLICATION/JSON',
      'application/jsonx',
      'text/plain',
    ],
    ...[
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      '/',
      ';',
      'application/',
    ],
  );
  return rarely(usual, odd).map((type) => ({ 'content-type': type }));
}

const oddHeader: fc.Arbitrary<[string, string]> = fc.oneof(
  fc.constantFrom<[string, string]>(
    ...([
      ['accept', 'text/plain'],
      ['accept', 'application/xml'],
      ['accept', '*/*;q=0'],
      ['content-encoding', 'gzip'],
      ['content-encoding', 'br'],
      ['range', 'bytes=0-0'],
      ['range', 'bytes=5-1,-0'],
      ['range', 'bytes=99999999999999999999-'],
      ['idempotency-key', 'one and the same'],
      ['idempotency-key', 'once'],
      ['expect', 'something'],
      ['x-forwarded-for', '1.2.3.4, not-an-address, ::1'],
      ['x-http-method-override', 'DELETE'],
      ['x-log-phase', 'plan'],
      ['x-log-offset', '0'],
      ['x-log-offset', '1e999'],
      ['x-content-sha256', 'a'.repeat(64)],
      ['x-state-serial', '-1'],
      ['upgrade', 'h2c'],
      ['origin', 'null'],
      ['cookie', '='.repeat(50)],
      ['accept-encoding', 'gzip;q=9'],
      ['if-none-match', '*'],
      ['transfer-encoding', 'chunked'],
    ] as [string, string][]),
  ),
  headerSafe(nastyText).map((text): [string, string] => ['x-odd', text]),
);
const oddHeaders = fc
  .oneof(
    { arbitrary: fc.constant([] as [string, string][]), weight: 3 },
    fc.array(oddHeader, { minLength: 1, maxLength: 2 }),
  )
  .map((headers) => Object.fromEntries(headers) as Record<string, string>);

function bodyOf(document: Document, operation: Operation): fc.Arbitrary<FuzzRequest['body']> {
  const schema = operation.body?.['application/json']?.schema;
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => ({ base64: Buffer.from(array).toString('base64') }));
  const broken = brokenText.map((text) => ({ text }));
  if (operation.body === undefined)
    return fc.oneof({ arbitrary: fc.constant(undefined), weight: 15 }, { arbitrary: broken, weight: 1 });
  if (schema === undefined) return fc.oneof(bytes, broken);
  const good = arbitraryOf(document, schema).map((value) => toText(value));
  const mutated = fc
    .tuple(arbitraryOf(document, schema), fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([value, mutations]) => toText(mutations.reduce(mutate, value)));
  const any = [
    { arbitrary: good, weight: 8 },
    { arbitrary: mutated, weight: 8 },
    { arbitrary: nastyJson.map((value) => toText(value)), weight: 1 },
    { arbitrary: broken, weight: 2 },
    { arbitrary: bytes, weight: 1 },
  ];
  return fc.oneof(...(any as { arbitrary: fc.Arbitrary<FuzzRequest['body']>; weight: number }[]));
}

const toText = (value: unknown): { text: string } => ({ text: JSON.stringify(value) });

/** A long poll that nobody has work for waits for as long as it is allowed to: nothing is to be learned from that here. */
function withoutWaiting(body: FuzzRequest['body']): FuzzRequest['body'] {
  const text = body === undefined ? '' : 'text' in body ? body.text : Buffer.from(body.base64, 'base64').toString();
  // The server takes null for no body at all, and leaves out a byte order mark, as trim does.
  const said = ['', 'null'].includes(text.trim()) ? {} : findJson(text.trim());
  const isObject = typeof said === 'object' && said !== null && !Array.isArray(said);
  return isObject ? { text: JSON.stringify({ ...said, wait_seconds: 0 }) } : body;
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
