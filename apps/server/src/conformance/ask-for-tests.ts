import { API_PREFIX } from '@groundcrew/protocol';
import { BYTES } from './bytes-for-tests.ts';
import type { CallRow, ExampleRow } from './contract-file.ts';
import type { Values, World } from './world-for-tests.ts';

/** A request as it goes over the wire. */
export interface Asked {
  method: string;
  /** From the root, with its query. */
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer;
}

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  /** Undefined when the answer is no JSON. */
  json: unknown;
}

/** Sends a request exactly as told. */
export async function ask(world: World, { method, path, headers, body }: Asked): Promise<Answered> {
  const answer = await fetch(world.server.url + path, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: body as string }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') && text !== '';
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

export const methodOf = ({ call }: Pick<CallRow, 'call'>): string => call.split(' ')[0] as string;
export const pathOf = ({ call }: Pick<CallRow, 'call'>): string => call.split(' ')[1] as string;
export const paramsOf = (row: Pick<CallRow, 'call'>): string[] =>
  [...pathOf(row).matchAll(/:(\w+)/g)].map(([, name]) => name as string);

/** The path with what the world made in it. */
export const fillPath = (row: Pick<CallRow, 'call'>, values: Values): string =>
  API_PREFIX +
  pathOf(row).replace(/:(\w+)/g, (_all, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The example of ${row.call} needs something that gives ${name}.`);
    return encodeURIComponent(value);
  });

/** The credential that a call wants, of those the world made for it. A cookie comes with the word that shows that nobody forged it. */
export function credentialFor({ who }: CallRow, world: World, values: Values): Record<string, string> {
  const kind = who.split(' ')[0] as string;
  const { cookie, csrf_token } = values;
  if (cookie !== undefined) return { cookie, ...(csrf_token && { 'x-csrf-token': csrf_token }) };
  const tokens: Record<string, string | undefined> = {
    user: values.user_token ?? world.server.owner,
    agent: values.agent_token ?? world.agent.token,
    registrant: values.registrant_token,
    attempt: values.attempt_token,
  };
  if (kind === 'anybody') return {};
  const token = tokens[kind];
  if (token === undefined) throw new Error(`The example needs something that gives ${kind}_token.`);
  return { authorization: `Bearer ${token}` };
}

/** The good request of an example: `?query`, then a JSON body or `bytes NAME`; `<name>` stands for what the world made. */
export function toRequest(row: CallRow, example: ExampleRow, world: World, values: Values): Asked {
  const filled = example.request.replace(/<(\w+)>/g, (_all, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The example of ${row.call} names <${name}>, which nothing gives.`);
    return value;
  });
  const [, query = '', rest = ''] = /^(\?\S*)?\s*(.*)$/s.exec(filled) ?? [];
  const headers = credentialFor(row, world, values);
  const asked = { method: methodOf(row), path: fillPath(row, values) + query };
  const bytes = /^bytes (\w+)$/.exec(rest)?.[1];
  if (bytes !== undefined) {
    const made = BYTES[bytes]?.();
    if (made === undefined) throw new Error(`There are no bytes called ${bytes} for the example of ${row.call}.`);
    return { ...asked, headers: { ...headers, ...made.headers }, body: made.body };
  }
  if (rest === '') return { ...asked, headers };
  return { ...asked, headers: { ...headers, 'content-type': 'application/json' }, body: rest };
}
