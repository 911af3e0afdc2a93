import { sha256Hex } from '@groundcrew/kit';
import { expect, test } from 'vitest';
import { createLab } from '../harness/index.ts';
import { findSchemaMistakes } from './check-schema.ts';
import { toCurl } from './curl.ts';
import { readDocument } from './document.ts';
import { readExamples } from './examples.ts';
import { startFuzzedServer } from './fuzzed-server.ts';
import { findMistakes } from './judge.ts';
import { formatFigures, fuzz } from './run.ts';

const document = readDocument();

test('two thousand bent requests are all answered as the document says', async () => {
  const lab = await createLab();
  try {
    const report = await fuzz(await startFuzzedServer(lab), { requests: 2_000, seed: 4 });
    expect(report.failures.join('\n')).toBe('');
    expect(report.requests).toBeGreaterThanOrEqual(2_000);
    expect(report.calls.notAsked).toEqual([]);
    // Requests that all end at the door would find nothing: 2,000 of them open nearly every one.
    expect(report.calls.refused.length, report.calls.refused.join(', ')).toBeLessThan(12);
  } finally {
    await lab.close();
  }
}, 180_000);

test('every call has examples, with marks where the contract names what is there', () => {
  const examplesOf = readExamples();
  const of = (name: string) =>
    document.operations.filter(({ operationId }) => operationId === name).flatMap(examplesOf);
  expect(document.operations.filter((operation) => examplesOf(operation).length === 0)).toEqual([]);
  expect(of('acceptAttempt')).toEqual([
    {
      query: [],
      headers: { 'content-type': 'application/json' },
      body: { json: { attempt_id: '«own_attempt»', secret_hash: '«secret_hash»' } },
    },
  ]);
  expect(of('finishOidc')[0]?.query).toEqual([
    ['state', '«sign_on_state»'],
    ['code', 'a-code'],
  ]);
  const [state] = of('pushState');
  const bytes = state?.body !== undefined && 'base64' in state.body ? Buffer.from(state.body.base64, 'base64') : '';
  expect(state?.headers['x-content-sha256']).toBe(sha256Hex(bytes));
});

test('calls are counted by the best answer that they got', () => {
  const calls = { all: 4, done: 2, refused: ['closeTask'], notAsked: ['getMe'] };
  const figures = { seed: 1, requests: 3, seconds: 1, slowestMs: 2, statuses: { 200: 2, 404: 1 }, calls, failures: [] };
  expect(formatFigures(figures)).toBe(
    '4 calls by best answer: 2 done, refused each time 1 (closeTask), not asked 1 (getMe)\n' +
      '3 requests in 1 s, seed 1: 0 failures, slowest 2 ms, 200: 2, 404: 1',
  );
});

const operation = document.operations.find(({ operationId }) => operationId === 'listPools');
if (operation === undefined) throw new Error('The document has no listPools.');
const judge = (status: number, text: string, headers: Record<string, string> = {}, method = 'GET') =>
  findMistakes(
    document,
    operation,
    { method },
    { status, text, ms: 1, headers: { 'x-request-id': 'req-a', 'content-type': 'application/json', ...headers } },
  ).join('\n');
const refusal = (code: string, error = 'No.') => JSON.stringify({ error, code, request_id: 'req-a' });

test.each<[string, string, RegExp]>([
  ['a fault', judge(500, refusal('internal')), /failed: 500/],
  ['an answer without its fields', judge(200, '{"items":[]}'), /no next_cursor/],
  ['an answer of another type', judge(200, '{"items":{},"next_cursor":null}'), /no array/],
  ['an answer of another content type', judge(200, 'x', { 'content-type': 'text/html' }), /content type text\/html/],
  ['a status that nobody knows', judge(203, '{}'), /status 203/],
  ['an error that is none', judge(404, '<h1>'), /no object/],
  ['an error of another status', judge(404, refusal('gone')), /410/],
  ['an error code that nobody knows', judge(404, refusal('lost')), /closed list/],
  [
    'a stack',
    judge(400, refusal('invalid_request', 'Oh.\n    at f (/x/dist/server/main.mjs:1:2)').replace('\\n', '\n')),
    /inside/,
  ],
  [
    'an answer that cannot be found in the log',
    judge(404, refusal('not_found'), { 'x-request-id': undefined as never }),
    /X-Request-Id/,
  ],
  ['a method that is not offered', judge(200, '{"items":[],"next_cursor":null}', {}, 'DELETE'), /DELETE/],
  ['a body for HEAD', judge(200, 'x', {}, 'HEAD'), /HEAD/],
])('%s is found', (_what, found, sentence) => {
  expect(found).toMatch(sentence);
});

test('an answer as it should be is left alone', () => {
  expect(judge(200, '{"items":[],"next_cursor":null}')).toBe('');
  expect(judge(404, refusal('not_found'))).toBe('');
  const time = { type: 'string', format: 'date-time' };
  expect(findSchemaMistakes(document, '2026-01-31T12:00:00.000Z', time)).toEqual([]);
  expect(findSchemaMistakes(document, '2026-01-31T12:00:00Z', time)).not.toEqual([]);
});

test('an example is a command without the credential', () => {
  const headers = { authorization: 'Bearer gct_secret', 'content-length': '2', 'x-a': "it's" };
  const command = toCurl('http://127.0.0.1:1', { method: 'POST', path: '/a?b=%00', headers, body: Buffer.from('{}') });
  expect(command).toBe(
    `printf '%s' 'e30=' | base64 -d | curl -i --path-as-is -X POST -H "authorization: Bearer $TOKEN" -H 'x-a: it'\\''s' --data-binary @- 'http://127.0.0.1:1/a?b=%00'`,
  );
});
