import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, parseExactJson } from './exact-json.ts';
import { JsonSyntaxError, listJsonElements, listJsonMembers, parseJsonRange } from './json-bytes.ts';

describe('json bytes', () => {
  it('finds what JSON.parse finds, however it is laid out', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const bytes = Buffer.from(JSON.stringify(value, null, indent));
        const found = Object.fromEntries([...listJsonMembers(bytes)].map((m) => [m.key, parseJsonRange(bytes, m)]));
        expect(found).toEqual(JSON.parse(bytes.toString()));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), (value, indent) => {
        const bytes = Buffer.from(` ${JSON.stringify(value, null, indent)}`);
        expect([...listJsonElements(bytes)].map((range) => parseJsonRange(bytes, range))).toEqual(
          JSON.parse(bytes.toString()),
        );
      }),
    );
  });

  it('shows doubled keys and unescapes them', () => {
    const keys = [...listJsonMembers(Buffer.from('{"a":1,"\\u0061":{"}":"]"},"b":[]}'))].map((m) => m.key);
    expect(keys).toEqual(['a', 'a', 'b']);
  });

  it.each([
    '',
    '[',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":"x',
    '{"a":{}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{a:1}',
    '{"a":}',
    '"x"',
    '{"a":[1}',
  ])('refuses %j', (text) => {
    expect(() => [...listJsonMembers(Buffer.from(text))]).toThrow(JsonSyntaxError);
  });

  it('looks only where it is told', () => {
    const bytes = Buffer.from('xx{"a":[1,{"b":2}]}');
    const [a] = [...listJsonMembers(bytes, 2)];
    expect([...listJsonElements(bytes, a?.start)]).toHaveLength(2);
  });
});

describe('parseExactJson', () => {
  it('is JSON.parse for ordinary values', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) => void expect(parseExactJson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    );
  });

  it.each([
    '12345678901234567890',
    '-9007199254740993',
    '12345678901234567890.123',
    '0.1000000000000000000001',
    '1e400',
    '-1e-400',
  ])('keeps %s', (source) => {
    const parsed = parseExactJson(`{"n":[${source}]}`) as { n: [ExactNumber] };
    expect(parsed.n[0]).toBeInstanceOf(ExactNumber);
    expect(JSON.stringify(parsed)).toBe(`{"n":[{"$number":"${source}"}]}`);
  });

  it.each([
    '9007199254740992',
    '1000000000000000000000',
    '0.30000000000000004',
    '1.50000000000000000',
    '-0.0',
    '1e100',
    '123456789012345.00',
  ])('leaves %s a number', (source) => {
    expect(parseExactJson(source)).toBe(Number(source));
  });

  it('leaves digits in strings alone', () => {
    expect(parseExactJson('{"a":"12345678901234567890","b":1}')).toEqual({ a: '12345678901234567890', b: 1 });
  });
});
