import { newId } from '@groundcrew/kit';
import { API_PREFIX } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContract } from '../contract.ts';
import {
  type Answered,
  type Asked,
  ask,
  credentialFor,
  fillPath,
  methodOf,
  paramsOf,
  toRequest,
} from './ask-for-tests.ts';
import { findValueMistakes, typeOf } from './check-value-for-tests.ts';
import { type CallRow, type ExampleRow, parseContract } from './contract-file.ts';
import { findRefusalMistakes } from './refusal-for-tests.ts';
import { parseType, type TypeNode } from './type-notation-for-tests.ts';
import { need, startWorld, type Values, type World } from './world-for-tests.ts';

const contract = parseContract(await readContract());
const messages = new Map(contract.messages.map((message) => [message.name, typeOf(message)]));
const findMessage = (name: string): TypeNode | undefined => messages.get(name);

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.server.close());

/** What a call may answer with, by status; nothing where the answer is empty or bytes. */
function typesOf({ answers }: CallRow): Map<number, TypeNode | undefined> {
  const parts = answers.split(';').map((part) => /^(\d{3})\s*(.*)$/s.exec(part.trim()));
  return new Map(
    parts.map((part) => {
      const json = (part?.[2] ?? '').replace(/( or )?\b(bytes|text)$/, '');
      return [Number(part?.[1]), json === '' ? undefined : parseType(json)];
    }),
  );
}

/** What is wrong with an answer that should be a good one. */
function findMistakes(row: CallRow, { status, headers, json, text }: Answered): string[] {
  const types = typesOf(row);
  if (!types.has(status)) return [`${status} in place of ${[...types.keys()].join(' or ')}: ${text.slice(0, 300)}`];
  const type = types.get(status);
  const unmarked = headers.get('x-request-id')?.startsWith('req-') ? [] : ['There is no X-Request-Id.'];
  if (type !== undefined) return [...unmarked, ...findValueMistakes(json, type, findMessage)];
  return status === 204 && text !== '' ? [...unmarked, 'An answer of nothing has a body.'] : unmarked;
}

/** A call without an example is carried out as it is; when that is not enough, it says so. */
const examplesOf = ({ call }: CallRow): ExampleRow[] => {
  const examples = contract.examples.filter((example) => example.call === call);
  return examples.length > 0 ? examples : [{ call, given: '', request: '' }];
};
const CASES = contract.calls.flatMap((row) =>
  examplesOf(row).map((example) => [`${row.call} ${example.request}`, row, example] as const),
);

/** The same request for something of the same kind that is not there. */
async function askForOthers(row: CallRow, asked: Asked, values: Values): Promise<string[]> {
  const mistakes: string[] = [];
  for (const name of paramsOf(row)) {
    const prefix = /^([a-z]+)-/.exec(values[name] ?? '')?.[1] ?? 'it';
    const unknown = fillPath(row, { ...values, [name]: newId(prefix) });
    const answer = await ask(world, { ...asked, path: asked.path.replace(fillPath(row, values), unknown) });
    // Nobody learns from this whether there is such an agent.
    const code = row.who === 'agent' && name === 'id' ? 'forbidden' : 'not_found';
    mistakes.push(...findRefusalMistakes(contract, answer, code).map((mistake) => `Unknown ${name}: ${mistake}`));
  }
  return mistakes;
}

/** The same request by the owner of another organisation. */
async function askAsForeigner(row: CallRow, asked: Asked): Promise<string[]> {
  if (!row.who.startsWith('user') || paramsOf(row).length === 0) return [];
  const answer = await ask(world, {
    ...asked,
    headers: { ...asked.headers, authorization: `Bearer ${world.foreignOwner}` },
  });
  return findRefusalMistakes(contract, answer, 'not_found').map((mistake) => `A foreigner: ${mistake}`);
}

/** A body with a field that nobody knows. */
const withMore = (asked: Asked): Asked =>
  typeof asked.body === 'string' && asked.body.startsWith('{')
    ? { ...asked, body: `{"from_the_future":{"a":[1]},${asked.body.slice(1)}`.replace(',}', '}') }
    : asked;

const isKeyed = (row: CallRow): boolean => row.who.startsWith('user') && methodOf(row) !== 'GET';
const SECRET_FIELDS = ['token', 'app_secret'];
const holdsSecret = (row: CallRow): boolean =>
  [...typesOf(row).values()].some((type) => {
    const message = type?.kind === 'message' ? findMessage(type.name) : undefined;
    return message?.kind === 'object' && message.fields.some(({ name }) => SECRET_FIELDS.includes(name));
  });
/** Nobody is there any more whose key it could be. */
const endsItsCredential = ({ call }: CallRow): boolean => call === 'POST /sign-out';

async function askAgain(row: CallRow, asked: Asked, first: Answered): Promise<void> {
  const again = await ask(world, asked);
  if (endsItsCredential(row)) {
    expect(findRefusalMistakes(contract, again, 'unauthenticated')).toEqual([]);
    return;
  }
  if (holdsSecret(row)) expect(findRefusalMistakes(contract, again, 'conflict')).toEqual([]);
  else expect([again.status, again.json]).toEqual([first.status, first.json]);
  const other = { method: 'POST', path: `${API_PREFIX}/agent-pools`, body: JSON.stringify({ name: newId('it') }) };
  const mismatch = await ask(world, { ...other, headers: { ...asked.headers, 'content-type': 'application/json' } });
  expect(findRefusalMistakes(contract, mismatch, 'idempotency_mismatch')).toEqual([]);
}

describe('a good request', () => {
  test.each(CASES)('%s', async (_name, row, example) => {
    const values = await need(world, example.given);
    const asked = withMore(toRequest(row, example, world, values));
    expect(await askForOthers(row, asked, values)).toEqual([]);
    expect(await askAsForeigner(row, asked)).toEqual([]);
    const key = isKeyed(row) ? { 'idempotency-key': newId('key') } : {};
    const keyed = { ...asked, headers: { ...asked.headers, ...key } };
    const answer = await ask(world, keyed);
    expect(findMistakes(row, answer)).toEqual([]);
    if (isKeyed(row)) await askAgain(row, keyed, answer);
  });
});

interface Page {
  items: { id?: string; seq?: number }[];
  next_cursor: string | null;
}
const PAGED = contract.calls.filter(({ takes, who }) => takes.startsWith('paging') && who.startsWith('user'));

describe('a list', () => {
  test.each(PAGED.map((row) => [row.call, row] as const))('%s comes in pages, each thing once', async (_name, row) => {
    const [example] = examplesOf(row) as [ExampleRow];
    const values = await need(world, example.given);
    if (paramsOf(row).length === 0) await need(world, example.given);
    const path = fillPath(row, values);
    const headers = credentialFor(row, world, values);
    const read = async (query: string): Promise<Page> =>
      (await ask(world, { method: 'GET', path: `${path}?${query}`, headers })).json as Page;
    const whole = await read('limit=200');
    expect(whole.items.length).toBeGreaterThan(0);
    const seen: unknown[] = [];
    for (let cursor: string | null | undefined; cursor !== null && seen.length < 12; ) {
      const page: Page = await read(`limit=1${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.items.length).toBeLessThanOrEqual(1);
      seen.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(seen.map(nameOf)).toEqual(whole.items.slice(0, seen.length).map(nameOf));
    for (const bad of ['limit=0', 'limit=201', 'limit=x', 'cursor=nonsense%21'])
      expect(
        findRefusalMistakes(
          contract,
          await ask(world, { method: 'GET', path: `${path}?${bad}`, headers }),
          'invalid_request',
        ),
      ).toEqual([]);
  });
});

const nameOf = (item: unknown): unknown => {
  const { id, seq, resource_id, workspace_id } = item as Record<string, unknown>;
  return id ?? seq ?? resource_id ?? workspace_id;
};
