import { newId, newSecret } from '@groundcrew/kit';
import { API_PREFIX } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContract } from '../contract.ts';
import { STATES } from '../modules/tasks/attempt-states-for-tests.ts';
import { type Answered, type Asked, ask, credentialFor, methodOf, pathOf } from './ask-for-tests.ts';
import { findValueMistakes, typeOf } from './check-value-for-tests.ts';
import { type CallRow, parseContract } from './contract-file.ts';
import { findRefusalMistakes, placesOf } from './refusal-for-tests.ts';
import { type FieldNode, parseType, type TypeNode } from './type-notation-for-tests.ts';
import { need, startWorld, type Values, type World } from './world-for-tests.ts';

const contract = parseContract(await readContract());
const messages = new Map(contract.messages.map((message) => [message.name, typeOf(message)]));
const findMessage = (name: string): TypeNode | undefined => messages.get(name);
const CASES = contract.calls.map((row) => [row.call, row] as const);

let world: World;
/** Credentials of each kind that are good as such; what is wrong is something else. */
let values: Values;
beforeAll(async () => {
  world = await startWorld();
  const { registrant_token } = await need(world, 'a pool token');
  const { attempt } = await STATES.running(world);
  values = { registrant_token: registrant_token as string, attempt_token: attempt.token };
});
afterAll(() => world.server.close());

/** Ids that look as the call wants them; nothing is there. */
const PREFIXES: Record<string, string> = {
  workspace_id: 'ws',
  variable_id: 'var',
  configuration_id: 'cv',
  resource_id: 'res',
  state_version_id: 'sv',
  user_id: 'user',
  task_id: 'task',
  agent_id: 'agent',
  session_id: 'sess',
  grant_id: 'grant',
  client_id: 'client',
};
function prefixOf(row: CallRow, name: string): string {
  if (name === 'id') return pathOf(row).startsWith('/agent-pools') ? 'pool' : 'agent';
  if (name === 'token_id') return pathOf(row).startsWith('/agent-pools') ? 'ptok' : 'tok';
  return PREFIXES[name] ?? 'it';
}
const unknownPath = (row: CallRow): string =>
  API_PREFIX + pathOf(row).replace(/:(\w+)/g, (_all, name: string) => newId(prefixOf(row, name)));

const request = (row: CallRow, given: Partial<Asked> = {}): Asked => ({
  method: methodOf(row),
  path: unknownPath(row),
  headers: { ...credentialFor(row, world, values), ...given.headers },
  ...(given.body === undefined ? {} : { body: given.body }),
});
const withJson = (row: CallRow, body: string): Asked =>
  request(row, { headers: { 'content-type': 'application/json' }, body });

const expectRefusal = async (asked: Asked, code: string): Promise<Answered> => {
  const answer = await ask(world, asked);
  expect(findRefusalMistakes(contract, answer, code)).toEqual([]);
  return answer;
};

describe('a credential', () => {
  test.each(CASES.filter(([, { who }]) => who !== 'anybody'))('of nobody is none for %s', async (_name, row) => {
    const wrong = [
      ...['', 'nonsense', `gct_${newSecret()}`, `agt_${newSecret()}`, `apt_${newSecret()}`, `att_${newSecret()}`],
      ...['a.b.c', 'x'.repeat(5_000)],
      // Good ones, of another kind.
      ...(row.who.startsWith('user') ? [world.agent.token] : [world.server.owner]),
      ...(row.who.startsWith('attempt') ? [world.agent.token] : [values.attempt_token]),
    ];
    for (const authorization of [undefined, 'Basic eDp5', ...wrong.map((token) => `Bearer ${token}`)]) {
      const answer = await expectRefusal(
        { ...request(row), headers: authorization === undefined ? {} : { authorization } },
        'unauthenticated',
      );
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });
});

/** The messages of which a call takes one as JSON. */
function bodiesOf({ takes }: CallRow): FieldNode[][] {
  const text = /body (.*)$/.exec(takes)?.[1]?.replace(/(^| or )bytes\b/, '');
  if (text === undefined || text === '') return [];
  const type = parseType(text);
  return (type.kind === 'either' ? type.options : [type]).flatMap((option) => {
    const message = option.kind === 'message' ? findMessage(option.name) : option;
    return message?.kind === 'object' ? [message.fields.filter(({ name }) => name !== '*')] : [];
  });
}

/** Something that a field of this type cannot be; nothing when it can be anything. */
const findWrong = (type: TypeNode): unknown =>
  [7.5, '§', true, [], {}].find((value) => findValueMistakes(value, type, findMessage).length > 0);

const WITH_BODY = CASES.filter(([, row]) => bodiesOf(row).length > 0);
const neededOf = (fields: readonly FieldNode[]): string[] =>
  fields.filter(({ optional }) => !optional).map(({ name }) => name);

describe('a body', () => {
  test.each(WITH_BODY)('that is no JSON object of that kind is refused by %s', async (_name, row) => {
    for (const body of ['{"a":', '[]', '"text"', '7', 'nul', `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`])
      await expectRefusal(withJson(row, body), 'invalid_request');
    if (!row.takes.includes('bytes'))
      await expectRefusal(
        request(row, { headers: { 'content-type': 'application/xml' }, body: '<a/>' }),
        'unsupported_media_type',
      );
  });

  test.each(WITH_BODY)('of %s lacks what it needs, or holds what no such field can be', async (_name, row) => {
    for (const fields of bodiesOf(row)) {
      const wrong = fields.flatMap(({ name, type }) => {
        const value = findWrong(type);
        return value === undefined ? [] : [[name, value] as const];
      });
      const answer = await expectRefusal(withJson(row, JSON.stringify(Object.fromEntries(wrong))), 'invalid_request');
      const places = placesOf(answer).map((place) => place.split('.')[0]);
      expect(wrong.map(([name]) => name).filter((name) => !places.includes(name))).toEqual([]);
    }
    const needed = bodiesOf(row).flatMap(neededOf);
    if (needed.length === 0) return;
    const empty = await expectRefusal(withJson(row, '{}'), 'invalid_request');
    // Of several that it may be none is meant: then the sentence names what each of them needs.
    const told = bodiesOf(row).length > 1 ? (empty.json as { error: string }).error.split(/[ ,.;]+/) : placesOf(empty);
    expect(needed.filter((name) => !told.includes(name))).toEqual([]);
  });

  test.each(WITH_BODY.filter(([, { takes }]) => !/bytes/.test(takes)))(
    'that is larger than %s takes',
    async (_name, row) => {
      const answer = await ask(world, withJson(row, `{"padding":"${'x'.repeat(1_100_000)}"}`));
      // Calls that take more say what is wrong with it instead.
      if (answer.status !== 413) expect(answer.status).toBeLessThan(500);
      else expect(findRefusalMistakes(contract, answer, 'too_large')).toEqual([]);
    },
  );
});

describe('a query', () => {
  const queryOf = ({ takes }: CallRow): FieldNode[] => {
    const text = /query ([^;]*)/.exec(takes)?.[1];
    const type = text === undefined ? undefined : parseType(`{ ${text} }`);
    return type?.kind === 'object' ? [...type.fields] : [];
  };
  const wrongQuery = ({ type }: FieldNode): string | undefined =>
    findValueMistakes('§', type, findMessage).length > 0 ? '§' : undefined;
  const WITH_QUERY = CASES.filter(([, row]) => queryOf(row).some((field) => wrongQuery(field) !== undefined));

  test.each(WITH_QUERY)('of %s that cannot be understood is named', async (_name, row) => {
    const wrong = queryOf(row).filter((field) => wrongQuery(field) !== undefined);
    const search = new URLSearchParams(Object.fromEntries(wrong.map(({ name }) => [name, '§'])));
    const asked = request(row, row.takes.includes('bytes') ? { headers: { 'x-content-sha256': 'a'.repeat(64) } } : {});
    const answer = await expectRefusal({ ...asked, path: `${asked.path}?${search}` }, 'invalid_request');
    expect(placesOf(answer)).toEqual(expect.arrayContaining(wrong.map(({ name }) => `query.${name}`)));
  });
});

describe('an address', () => {
  test.each(CASES.filter(([, row]) => pathOf(row).includes('/:')))(
    'of %s with ids that are none',
    async (_name, row) => {
      const bad = ['..%2f..%2fetc', '%00', '%ff', 'x'.repeat(2_000), 'a%20b', '§', "'--"];
      for (const id of bad) {
        const path = API_PREFIX + pathOf(row).replace(/:(\w+)/g, id);
        const answer = await ask(world, { ...request(row), path });
        const { code } = answer.json as { code: string };
        expect(['invalid_request', 'not_found', 'forbidden']).toContain(code);
        expect(findRefusalMistakes(contract, answer, code)).toEqual([]);
      }
    },
  );

  test.each([...new Set(contract.calls.map(pathOf))])(
    '%s offers no other method, and says which it offers',
    async (path) => {
      const rows = contract.calls.filter((row) => pathOf(row) === path);
      const asked = { ...request(rows[0] as CallRow), method: 'PATCH' };
      const answer = await expectRefusal(asked, 'method_not_allowed');
      const offered = (answer.headers.get('allow') ?? '').split(', ').filter((method) => method !== 'HEAD');
      expect(offered).toEqual(expect.arrayContaining(rows.map(methodOf)));
      await expectRefusal({ ...asked, method: 'GET', path: `${asked.path}/nothing/here` }, 'not_found');
    },
  );

  test('beside the table is what the contract says, and nothing else', () => {
    const known = [...contract.calls.map(({ call }) => `${methodOf({ call })} ${API_PREFIX}${pathOf({ call })}`)];
    const pages = [...contract.pages, ...contract.sockets.map(({ path }) => path)];
    const offered = listOffered(world.server.server.http.app.printRoutes({ commonPrefix: false }));
    expect(offered.length).toBeGreaterThan(known.length);
    const unknown = offered.filter(
      (call) => !known.includes(call) && !pages.some((page) => call.startsWith(`GET ${page}`)),
    );
    expect(unknown).toEqual([]);
    expect(known.filter((call) => !offered.includes(call))).toEqual([]);
  });
});

/** The calls in the tree that the framework prints: what is indented by four more follows what stands above it. */
function listOffered(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', segment = '', methods = ''] =
      /^((?:[│ ] {3})*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (segment === '') return [];
    const depth = indent.length / 4;
    parents[depth] = (parents[depth - 1] ?? '') + segment;
    const path = parents[depth] as string;
    return methods
      .split(', ')
      .filter((method) => method !== '' && method !== 'HEAD')
      .map((method) => `${method} ${path}`);
  });
}
