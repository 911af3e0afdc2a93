import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStateScanner, withSerial } from './state-header.ts';

const scan = (text: string, cuts: number[] = []) => {
  const scanner = createStateScanner();
  const data = Buffer.from(text);
  let at = 0;
  for (const cut of cuts) {
    scanner.push(data.subarray(at, at + cut));
    at += cut;
  }
  scanner.push(data.subarray(Math.min(at, data.length)));
  return scanner.end();
};
const state = (extra: Record<string, unknown> = {}) => ({
  version: 4,
  terraform_version: '1.11.4',
  serial: 7,
  lineage: '3f1c-"quoted"\\',
  outputs: { a: { value: 'x', type: 'string' }, b: { value: 'hidden', type: 'string', sensitive: true } },
  resources: [
    {
      mode: 'managed',
      type: 't',
      name: 'a',
      instances: [{ attributes: { serial: 99, list: [{}, { lineage: 'no' }] } }, { index_key: 1, attributes: {} }],
    },
    { mode: 'managed', type: 't', name: 'b', instances: [] },
  ],
  check_results: null,
  ...extra,
});

describe('the scanner', () => {
  test.each([JSON.stringify(state()), JSON.stringify(state(), null, 2)])(
    'reads the header whatever the layout',
    (text) => {
      expect(scan(text)).toMatchObject({
        header: {
          serial: 7,
          lineage: '3f1c-"quoted"\\',
          terraformVersion: '1.11.4',
          resourceCount: 2,
          outputs: { a: { value: 'x' }, b: { value: null, sensitive: true } },
        },
      });
    },
  );
  test('does not depend on where chunks split, nor on keys of the same name further in', () => {
    const text = JSON.stringify(state({ zzz: { serial: 1, text: 'a \\" b {[,:' } }), null, 1);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }), (cuts) => {
        expect(scan(text, cuts)).toEqual(scan(text));
      }),
    );
  });
  test('agrees with JSON.parse on arbitrary values', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (value, serial) => {
        const text = JSON.stringify({
          before: JSON.parse(value),
          version: 4,
          lineage: 'l',
          serial,
          after: JSON.parse(value),
        });
        expect(scan(text)).toMatchObject({ header: { serial, lineage: 'l' } });
      }),
    );
  });
  test.each([
    ['', /empty/],
    ['<html>', /begin/],
    ['[]', /version/],
    ['{"version":4', /too early/],
    ['{"version":3,"serial":1,"lineage":"a"}', /"version" is 3/],
    ['{"version":4,"serial":-1,"lineage":"a"}', /serial/],
    ['{"version":4,"serial":1.5,"lineage":"a"}', /serial/],
    ['{"version":4,"serial":1}', /lineage/],
  ])('refuses %s with a sentence', (text, sentence) => {
    const result = scan(text);
    expect('mistake' in result && result.mistake).toMatch(sentence);
  });
});

describe('withSerial', () => {
  test('changes the serial and nothing else, wherever chunks split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.nat(), async (size, serial) => {
        const text = JSON.stringify(state(), null, 2);
        const result = scan(text);
        if (!('header' in result)) throw new Error('no header');
        async function* pieces() {
          for (let i = 0; i < text.length; i += size) yield Buffer.from(text.slice(i, i + size), 'latin1');
        }
        const out: Buffer[] = [];
        for await (const piece of withSerial(pieces(), result.header.serialRange, serial)) out.push(piece);
        expect(Buffer.concat(out).toString()).toBe(text.replace('"serial": 7', `"serial": ${serial}`));
      }),
      { numRuns: 50 },
    );
  });
});
