import { API_PREFIX, ERROR_CODES, type RouteSpec, routes, SOCKETS } from '@groundcrew/protocol';
import { createOpenApiDocument } from '../platform/http/index.ts';
import type { CallRow, Contract, MessageText } from './contract-file.ts';
import { noteFrames } from './note-frames.ts';
import { type JsonSchema, noteFields, noteType } from './schema-notation.ts';

interface Media {
  content?: Record<string, { schema?: JsonSchema }>;
}
interface Operation {
  parameters?: { in: string; name: string; required?: boolean; schema: JsonSchema }[];
  requestBody?: Media;
  responses: Record<string, Media>;
}

/** The route table with the section of the contract that each of its rows stands in. */
export type NotedCall = CallRow & { readonly tag: string };

/** What the server offers, in the words of the contract. */
export interface Noted extends Pick<Contract, 'messages' | 'codes'> {
  readonly calls: readonly NotedCall[];
  readonly sockets: readonly string[];
}

/** Writes the route table as docs/contract.md has to have it. */
export async function noteTable(): Promise<Noted> {
  const document = await createOpenApiDocument('0.0.0');
  const calls = Object.values(routes as Record<string, RouteSpec>).map((spec) => noteCall(spec, document.paths));
  const messages = Object.entries(document.components.schemas).map(([name, schema]) =>
    noteMessage(name, schema as JsonSchema),
  );
  const frames = noteFrames(new Set(messages.map(({ name }) => name)));
  const codes = Object.entries(ERROR_CODES).map(([code, row]) => ({ code, ...row, status: String(row.status) }));
  return { calls, codes, messages: [...messages, ...frames], sockets: Object.values(SOCKETS) };
}

function noteCall(spec: RouteSpec, paths: Record<string, unknown>): NotedCall {
  const url = API_PREFIX + spec.path.replace(/:([a-z_]+)/g, '{$1}');
  const operation = (paths[url] as Record<string, Operation>)[spec.method.toLowerCase()] as Operation;
  return {
    call: `${spec.method} ${spec.path}`,
    who: noteWho(spec.access),
    takes: noteTaken(operation),
    answers: noteAnswers(operation),
    note: spec.summary,
    tag: spec.tag,
  };
}

function noteWho(access: RouteSpec['access']): string {
  if (access.who === 'user') return access.permission === 'signed_in' ? 'user' : `user ${access.permission}`;
  return access.who === 'attempt' ? `attempt ${access.right}` : access.who;
}

/** Query of every list; the rules of the contract say it once. */
const PAGING = ['limit?: integer', 'cursor?: text'];

function noteTaken({ parameters = [], requestBody }: Operation): string {
  const noteParameters = (place: string) =>
    parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name, required, schema }) => `${name}${required ? '' : '?'}: ${noteType(schema)}`);
  const query = noteParameters('query');
  const isPaged = PAGING.every((part) => query.includes(part));
  const own = isPaged ? query.filter((part) => !PAGING.includes(part)) : query;
  const headers = noteParameters('header');
  const body = noteBody(requestBody);
  return [
    ...(isPaged ? ['paging'] : []),
    ...(own.length > 0 ? [`query ${own.join(', ')}`] : []),
    ...(headers.length > 0 ? [`headers ${headers.join(', ')}`] : []),
    ...(body === '' ? [] : [`body ${body}`]),
  ].join('; ');
}

function noteBody(media: Media | undefined): string {
  return Object.values(media?.content ?? {})
    .map(({ schema = {} }) => (schema.format === 'binary' ? 'bytes' : noteType(schema)))
    .join(' or ');
}

function noteAnswers({ responses }: Operation): string {
  return Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, media]) => `${status} ${notePage(noteBody(media))}`.trim())
    .join('; ');
}

/** A page of a list is a rule of the contract, and only named. */
const notePage = (type: string): string =>
  type.replace(/^\{ items: (.*)\[\], next_cursor: text or null \}$/, 'Page of $1');

function noteMessage(name: string, schema: JsonSchema): MessageText {
  const isObject = schema.type === 'object' && schema.properties !== undefined;
  return { name, fields: isObject ? noteFields(schema) : [noteType(schema)], isAlias: !isObject };
}
