import { expect, test } from 'vitest';
import { findValueMistakes } from './check-value-for-tests.ts';
import { noteType } from './schema-notation.ts';
import { parseType } from './type-notation-for-tests.ts';

const messages = new Map([['Agent', parseType('{ id: agent-…, name?: text }')]]);
const check = (value: unknown, type: string) => findValueMistakes(value, parseType(type), (name) => messages.get(name));

test.each<[string, unknown]>([
  ['text', 'a'],
  ['text or null', null],
  ['integer', 7],
  ['time', '2026-01-31T12:00:00.000Z'],
  ['checksum', 'a'.repeat(64)],
  ['base64', 'YQ=='],
  ['task-…', 'task-abcdefgh'],
  ['"a" or 7 or true', 7],
  ['("a" or "b")[]', ['b', 'a']],
  ['map of (text or number)', { a: 1, b: 'c' }],
  ['{ a: text, b?: { c: flag } }', { a: '', b: { c: true } }],
  ['{ a: text, *: any }', { a: '', z: 1 }],
  ['Agent[]', [{ id: 'agent-abcdefgh' }]],
  ['Page of Agent', { items: [{ id: 'agent-abcdefgh', name: 'a' }], next_cursor: null }],
])('%s is what it should be', (type, value) => {
  expect(check(value, type)).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  ['text', 7, /7 in place of a text/],
  ['integer', 0.5, /integer/],
  ['time', '2026-01-31T12:00:00Z', /time/],
  ['time', '2026-01-31T13:00:00.000+01:00', /time/],
  ['checksum', 'A'.repeat(64), /checksum/],
  ['task-…', 'ws-abcdefgh', /task-…/],
  ['"a" or "b"', 'c', /in place of "[ab]"/],
  ['text[]', ['a', 1], /answer\.1/],
  ['map of number', { a: 'x' }, /answer\.a/],
  ['{ a: text }', {}, /no a/],
  ['{ a: text }', { a: '', secret: 1 }, /secret, which the contract does not name/],
  ['Agent', { id: 'agent-abcdefgh', name: null }, /name is null/],
  ['Nobody', {}, /Nobody is not in the contract/],
  ['Page of Agent', { items: [] }, /no next_cursor/],
])('%s is told to be wrong', (type, value, sentence) => {
  expect(check(value, type).join('\n')).toMatch(sentence);
});

test.each(['text or', '{ a text }', 'tekst', '(text', 'text)', '{ a: }'])('%s cannot be read', (type) => {
  expect(() => parseType(type)).toThrow(/cannot be read/);
});

test('what is noted of a schema can be read again', () => {
  const schema = {
    type: 'object',
    properties: {
      id: { type: 'string', pattern: '^task-[a-z0-9]{8,40}$' },
      at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }] },
      level: { anyOf: [{ const: 1 }, { const: 2 }] },
      names: { type: 'array', items: { type: ['string', 'null'] } },
      more: { type: 'object', additionalProperties: {} },
    },
    required: ['id', 'level'],
  };
  const text = noteType(schema);
  expect(text).toBe('{ id: task-…, at?: time or null, level: 1 or 2, names?: (text or null)[], more?: map of any }');
  expect(check({ id: 'task-abcdefgh', level: 2, at: null, names: ['a', null], more: { x: [] } }, text)).toEqual([]);
});
