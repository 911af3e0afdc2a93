import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { newCanary, newToken } from './secrets/canaries.ts';
import { excuse } from './secrets/excuses.ts';
import { createFinder, placeOf } from './secrets/finder.ts';

const canary = newCanary('planted');
const { value } = canary;
const finder = createFinder([canary, newToken('another')]);
const formsIn = (content: string | Uint8Array): string[] => [
  ...new Set(finder.search([placeOf('here', content)]).map(({ form }) => form)),
];
const goJson = JSON.stringify(value).replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');

test.each<[form: string, leak: string]>([
  ['plain', `it is ${value}, is it not`],
  ['json', `{"it":${JSON.stringify(value)}}`],
  ['json', `log: ${goJson}`],
  ['url', `https://example.com/?q=${encodeURIComponent(value)}`],
  ['url', `q=${encodeURIComponent(value).replaceAll('%20', '+')}`],
  ['url', encodeURIComponent(value).replaceAll(/%../g, (octet) => octet.toLowerCase())],
  ['base64+0', Buffer.from(`${value} and more`).toString('base64')],
  ['base64+1', Buffer.from(`user${value}`).toString('base64')],
  ['base64+2', Buffer.from(`us${value}:`).toString('base64')],
  ['base64+1', Buffer.from(`user${value}`).toString('base64url')],
  ['hex', `\\x${Buffer.from(value).toString('hex')}`],
  ['part', value.slice(0, 20)],
])('a leak is found: %s', (form, leak) => {
  expect(formsIn(leak)).toContain(form);
  expect(formsIn(gzipSync(leak))).toContain(form);
  expect(formsIn(Buffer.concat([gzipSync('something else'), gzipSync(leak)]))).toContain(form);
  expect(formsIn(zstdCompressSync(leak))).toContain(form);
  expect(formsIn(`{"log":${JSON.stringify(leak)}}\n`)).toContain(form);
});

test('nothing is found where nothing is', () => {
  expect(formsIn(`${newCanary('x').value} [MASKED] ${Buffer.from('harmless'.repeat(20)).toString('base64')}`)).toEqual(
    [],
  );
});

test.each([
  ['a token', `gct_${'a1B2'.repeat(11)}`],
  ['a token', `Bearer att_${'a1B2'.repeat(11)}`],
  ['a signed token', `eyJhbGciOiJIUzI1NiJ9.eyJhZ2VudF9pZCI6IngifQ.${'x'.repeat(30)}`],
])('%s is known by its looks', (name, leak) => {
  expect(finder.search([placeOf('here', leak)])).toEqual([{ place: 'here', canary: name, form: 'shape' }]);
});

test('an excuse covers its own place and canary alone, and one that nothing needs is told', () => {
  const found = finder.search([placeOf('file a', value), placeOf('file ab', value)]);
  const excuses = [
    { place: /^file a$/, canaries: ['planted'], reason: 'it has to be there' },
    { place: /^file ab$/, canaries: ['another'], reason: 'nobody needs it' },
  ];
  expect(excuse(found, excuses)).toEqual({
    leaks: ['planted in file ab'],
    unused: ['/^file ab$/: nobody needs it'],
  });
});
