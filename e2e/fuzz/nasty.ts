import fc from 'fast-check';

/** Texts that have broken somebody's server before. */
const NASTY_TEXTS = [
  ...[
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udfff\ud800',
    'x\udc00y',
    '\ufeff',
    '\u202e',
    '\u200b',
    '\r\n',
    '\u2028',
    '\u007f',
  ],
  ...[
    '../../etc/passwd',
    '..\\..\\',
    '/etc/shadow',
    '%00',
    '%2e%2e%2f',
    '%',
    '%zz',
    '%ff%fe',
    '${jndi:ldap://x}',
    '{{7*7}}',
  ],
  ...[
    "'; DROP TABLE tasks; --",
    "' OR 1=1 --",
    '\\',
    '"',
    '`id`',
    '$(id)',
    '<script>',
    '-1',
    '0',
    'NaN',
    'Infinity',
    '1e999',
  ],
  ...['null', 'true', '[]', '{}', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'],
  ...[
    'e\u0301',
    '\u{1f9d1}\u200d\u{1f680}',
    '\u1e9b\u0323',
    'İ',
    'ß',
    '٣',
    '\u{10ffff}',
    'a'.repeat(300),
    'ü'.repeat(2_000),
  ],
  ...['9'.repeat(400), '2026-02-30T25:61:61.000Z', '0000-00-00T00:00:00.000Z', '+275760-09-13T00:00:00.001Z'],
];
const NASTY_NUMBERS = [
  ...[0, -0, -1, 1, 0.5, -0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 2 ** 63, 1e308, 5e-324],
  ...[1e21, 255, 256, 65_535, 65_536, 100_001, 1_000_000_000_000],
];

export const nastyText: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.constantFrom(...NASTY_TEXTS), weight: 3 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 40 }), weight: 1 },
  { arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }), weight: 1 },
);
const nastyNumber: fc.Arbitrary<number> = fc.constantFrom(...NASTY_NUMBERS);

/** Any JSON, most of it of a kind that nobody expects. */
export const nastyJson: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  nastyNumber,
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: {} }, { length: -1 }, { toString: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Bodies that are no JSON, or hardly. */
export const brokenText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '{',
      '[',
      '"',
      '{"a":',
      '{"a":1,}',
      "{'a':1}",
      'NaN',
      '01',
      '{"a":1}{"b":2}',
      '\ufeff{}',
      '[1,]',
      'undefined',
    ],
    ...['{"a":1,"a":2}', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}', '"\\ud800"', '{"a":"\\u0000"}'],
    ...[`${'['.repeat(3_000)}`, `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`, `[${'[],'.repeat(2_000)}[]]`],
    `{"name":"${'x'.repeat(200_000)}"}`,
    `{${Array.from({ length: 3_000 }, (_, at) => `"k${at}":${at}`).join()}}`,
  ),
  nastyText,
);
