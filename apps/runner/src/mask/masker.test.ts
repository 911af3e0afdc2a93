import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePatterns, createMasker, type Secret } from './index.ts';
import { maskWhole } from './oracle-for-tests.ts';

const secretsOf = (...values: string[]): Secret[] => values.map((value, i) => ({ name: `secret${i}`, value }));

function maskIn(raw: Buffer, secrets: readonly Secret[], cuts: readonly number[]): Buffer {
  const masker = createMasker({ patterns: compilePatterns([{ fromOffset: 0, secrets }]) });
  const borders = [...new Set([0, ...cuts.map((cut) => cut % (raw.length + 1)), raw.length])].sort((a, b) => a - b);
  const parts = borders.slice(1).map((to, i) => masker.push(raw.subarray(borders[i], to)));
  return Buffer.concat([...parts, masker.end()]);
}

function mask(text: string, ...values: string[]): string {
  return maskIn(Buffer.from(text), secretsOf(...values), []).toString();
}

const PROVISIONER = '\x1b[0m\x1b[1mterraform_data.x["a b"] (local-exec):\x1b[0m \x1b[0m';
const OTHER = '\x1b[0m\x1b[1mterraform_data.y (remote-exec):\x1b[0m \x1b[0m';
const BOX = '\x1b[31m│\x1b[0m \x1b[0m';
const KEY = [
  '-----BEGIN PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
  'MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu',
  'cG8=',
  '-----END PRIVATE KEY-----',
].join('\n');

describe('masks a secret', () => {
  const awkward = 'p"a\\s/s<w&ö😀\u0001';
  it.each([
    ['as it is', 'x hunter2 y', 'hunter2'],
    ['behind a backslash', 'C:\\nasty22', 'nasty22'],
    ['in JSON', `x ${JSON.stringify(awkward)} y`, awkward],
    ['in JSON of Go', 'x "p\\"a\\\\s/s\\u003cw\\u0026ö😀\\u0001" y', awkward],
    ['in JSON of ASCII, in capitals', 'x "p\\"a\\\\s\\/s\\u003Cw\\u0026\\u00F6\\uD83D\\uDE00\\u0001" y', awkward],
    ["in Go's %q, which Terraform prints strings with", 'x "p\\"a\\\\s/s<w&ö😀\\x01" y', awkward],
    ['in a URL', `x ${encodeURIComponent(awkward)} y`, awkward],
    ['in a URL, small letters', `x ${encodeURIComponent(awkward).toLowerCase()} y`, awkward],
    ['in a form', `x ${new URLSearchParams({ a: 'one + two&three' }).toString().slice(2)} y`, 'one + two&three'],
    ['in a URL that keeps the plus', 'x one%20+%20two y', 'one + two'],
    ['of words, wrapped', 'x correct\n   horse\tbattery y', 'correct horse battery'],
    ['of words, in a box', `x correct\n${BOX}horse\n${BOX}battery y`, 'correct horse battery'],
    ['of short words, in a box', `x a\n${BOX}b\n${BOX}c d y`, 'a b c d'],
    ['in part coloured', 'x hu\x1b[01;31m\x1b[Knter\x1b[m\x1b[K2 y', 'hunter2'],
    ['twice, overlapping', 'x abcabcabcabc y', 'abcabcabc'],
    ['beside another that overlaps it', 'x hunter2secret y', 'hunter2se\0x1', 'hunter2', '2secret'],
    ['of several lines, indented', `x ${KEY.replaceAll('\n', '\n        ')} y`, KEY],
    ['of several lines, with \\n', `x ${JSON.stringify(KEY).slice(1, -1)} y`, KEY],
    ['decomposed, as it was given composed', 'x zo\u0308e\u0301-pass y', 'zöé-pass'],
    ['composed, as Terraform prints what was given decomposed', 'x zöé-pass y', 'zo\u0308e\u0301-pass'],
    [
      'composed, in base64 that Terraform made',
      `x ${Buffer.from('zöé-pas').toString('base64')} y`,
      'zo\u0308e\u0301-pas',
    ],
    ['that is a mask itself', 'x ****** y', '***', '******', '[MASKED]'],
    ['made of characters that expressions are written with', 'x ^(a|b)*[c-d]+?.{2}\\$ y', '^(a|b)*[c-d]+?.{2}\\$'],
    ['within a longer one', 'x abhunter2yz y', 'hunter2', 'abhunter2yz', 'unter2'],
    [
      'of several lines that a JSON document holds',
      `x ${KEY} y`,
      JSON.stringify({ type: 'service_account', key: KEY }, null, 2),
    ],
    ['with white space around it', 'x hunter2 y', '  hunter2\n'],
  ])('%s', (_, text, ...values) => {
    expect(mask(text, ...values)).toMatch(/^(x "?|C:\\)\[MASKED\]("? y)?$/);
  });

  it.each([0, 1, 2, 3])('in base64, %i bytes behind the start', (before) => {
    const encoded = Buffer.from(`${'a'.repeat(before)}hunter2-öäü?>~${'z'.repeat(before)}`).toString('base64url');
    const shown = mask(encoded, 'hunter2-öäü?>~');
    expect(shown).toContain('[MASKED]');
    expect(shown.replace('[MASKED]', '').length).toBeLessThanOrEqual(2 * before + 4);
  });

  it('in base64 that is wrapped, also by a provisioner', () => {
    const encoded = Buffer.from(`{"key": "${KEY}"}`).toString('base64').replace(/.{76}/g, '$&\n');
    expect(mask(encoded, KEY)).toMatch(/^[\w+/]{12,14}\[MASKED\][\w+/]{2,5}=*$/);
    const lines = encoded
      .split('\n')
      .map((line) => `${PROVISIONER}${line}\n`)
      .join('');
    expect(mask(lines, KEY).replaceAll(PROVISIONER, '')).toMatch(
      /^[\w+/]{12,14}(\[MASKED\]\n)+\[MASKED\][\w+/]{2,5}=*\n$/,
    );
  });

  const between = ['', `${OTHER}something else\n`, `${OTHER}one\n${OTHER}two\n\nterraform_data.z: Still creating...\n`];

  it.each([
    ['hunter2', 'hunter2'],
    ['correct horse', 'correct horse'],
    ['correct horse', 'correct  \t horse'],
    ['correct horse', 'correct%20horse'],
    ['correct horse', 'correct\\u0020horse'],
    ['pä"ss\\w', 'pä"ss\\w'],
    ['pä"ss\\w', 'p\\u00e4\\"ss\\\\w'],
    ['pä"ss\\w', 'p%C3%A4%22ss%5cw'],
    ['hunter2-22', 'aHVudGVyMi0yM'],
  ])(
    '%j as %j in a line that Terraform has broken at any byte, and keeps what others say in between',
    (value, text) => {
      const bytes = Buffer.from(text).toString('latin1');
      for (let at = 1; at < bytes.length; at++)
        for (const others of between) {
          // Terraform takes white space from the end of a line.
          const halves = [
            `${PROVISIONER}it is ${bytes.slice(0, at).trimEnd()}\n`,
            `${PROVISIONER}${bytes.slice(at)} y\n`,
          ];
          const shown = maskIn(Buffer.from(halves.join(others), 'latin1'), secretsOf(value), []).toString('latin1');
          expect(shown).toBe(`${PROVISIONER}it is [MASKED]\n${others}${PROVISIONER}[MASKED] y\n`);
        }
    },
  );

  it('in lines that two provisioners print by turns, each broken twice', () => {
    const say = (who: string, text: string) => `${who}${text}\n`;
    const turns = (...texts: string[]) => texts.map((text) => say(PROVISIONER, text) + say(OTHER, text)).join('');
    expect(mask(turns('x cor', 'rect', 'horse y'), 'correct horse')).toBe(
      turns('x [MASKED]', '[MASKED]', '[MASKED] y'),
    );
  });

  it('in lines of colours of their own', () => {
    const text = `${PROVISIONER}\x1b[32mhunt\x1b[0m\n${OTHER}a\n${PROVISIONER}\x1b[32mer2\x1b[0m\n`;
    expect(mask(text, 'hunter2')).toBe(
      `${PROVISIONER}\x1b[32m[MASKED]\n${OTHER}a\n${PROVISIONER}\x1b[32m[MASKED]\x1b[0m\n`,
    );
  });

  it('in a sentence that goes on in the next line, though it seems to be a provisioner and says the same again', () => {
    const sentence = 'Error (invalid): it is correct\n  horse\n';
    expect(mask(sentence + sentence, 'correct horse')).toBe('Error (invalid): it is [MASKED]\n'.repeat(2));
  });

  it('of several lines that a provisioner prints, one by one, short ones too', () => {
    const lines = (texts: readonly string[]) => texts.map((text) => `${PROVISIONER}${text}\n${OTHER}a\n`).join('');
    const masked = KEY.split('\n').map(() => '[MASKED]');
    expect(mask(lines(KEY.split('\n')), KEY)).toBe(lines(masked));
  });

  it('in a line that is broken where white space stands beside the break', () => {
    const text = `${PROVISIONER}x %\n${PROVISIONER}\n\n${PROVISIONER}\\\n${PROVISIONER}│4p y\n`;
    const shown = `${PROVISIONER}x [MASKED]\n${PROVISIONER}\n\n${PROVISIONER}[MASKED]\n${PROVISIONER}[MASKED] y\n`;
    expect(mask(text, '│%\n\\│4p')).toBe(shown);
  });

  it('each line of it for itself', () => {
    const [, second, third, short] = KEY.split('\n');
    expect(mask(`a ${third} b\nc ${second} d ${short}`, KEY)).toBe(`a [MASKED] b\nc [MASKED] d ${short}`);
  });

  it('the long one also in part', () => {
    expect(mask(`…${'0123456789'.repeat(30).slice(100, 180)}…`, '0123456789'.repeat(30))).not.toContain('0123456789');
  });
});

describe('leaves alone', () => {
  it.each([
    ['what only looks like it', 'therapist hunter 2 Hunter2', 'the rapist', 'hunter2'],
    ['short secrets', 'x abc yy y', 'abc', 'yy', '  12345  '],
    ['short texts that a JSON document holds', 'google_service_account.a', '{"type": "service_account"}'],
    ['what seems to be JSON', 'x {"key": y', '{"key": [1,'],
    ['words on lines of their own that no secret has white space between', 'hun\nter2', 'hunter2'],
    ['two provisioners whose lines only seem to be one', `${PROVISIONER}hunt\n${OTHER}er2\n`, 'hunter2'],
    ['base64 broken into short lines', 'aHVu\ndGVy\nMi0yMi0yMg', 'hunter2-22-22'],
    ['invalid UTF-8', '\ufffd\u0000', 'hunter2'],
  ])('%s', (_, text, ...values) => {
    expect(mask(text, ...values)).toBe(text);
  });

  it('and names what is too short to be masked', () => {
    const secrets = secretsOf('abc', 'hunter2', ' a  b ', '');
    expect(compilePatterns([{ fromOffset: 0, secrets }]).unmaskable).toEqual(['secret0', 'secret2']);
  });
});

const WORDS = ['aab', 'ab', 'b/', 'a', '+', '\\', '%', '"', 'ö', '-', 'aabaab', '😀', '\n', ' ', '│', '\x1b[1m', '\\n'];
const secretValue = fc
  .oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(...WORDS), { minLength: 2, maxLength: 8 }) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...WORDS), { minLength: 20, maxLength: 60 }) },
  )
  .map((words) => words.join(''));

const SPELL: readonly ((value: string) => string)[] = [
  (value) => value,
  (value) => JSON.stringify(value).slice(1, -1),
  (value) => encodeURIComponent(value.toWellFormed()),
  (value) => new URLSearchParams({ a: value }).toString().slice(2),
  (value) => Buffer.from(`a${value}`).toString('base64'),
  (value) => Buffer.from(`ab${value}ab`).toString('base64url'),
  (value) => Buffer.from(value.repeat(4)).toString('base64').replace(/.{40}/g, '$&\r\n'),
  (value) => Buffer.from(value).toString('base64').replace(/.{9}/g, '$&\n'),
  (value) => value.replaceAll(' ', `\n${BOX}`),
  (value) => value.replaceAll(' ', `\n${PROVISIONER} `),
  (value) => [...value].join('\x1b[0m'),
  (value) => `\n${PROVISIONER}${[...value].join(`\n${PROVISIONER}`)}`,
  (value) => `${PROVISIONER}${value.slice(0, 2)}\n${OTHER}ab${value}\n${OTHER}\n${PROVISIONER}${value.slice(2)}`,
  (value) => `${PROVISIONER}${[...value].slice(0, 8).join(`\n${OTHER}ab\n\n${PROVISIONER}`)}`,
  (value) =>
    `${PROVISIONER}\x1b[1m${JSON.stringify(value).slice(1, 20).replace(/.{3}/g, `$&\n${OTHER}a\n${PROVISIONER}`)}`,
  (value) => [...value.slice(0, 8)].map((part) => `${PROVISIONER}${part}\x1b[0m\n${OTHER}${part}\n`).join(''),
  (value) => `${PROVISIONER}${value.slice(0, -3)}\n${OTHER}a\nab${PROVISIONER}\n${PROVISIONER}${value.slice(-3)}\n`,
];
const NOISE = [
  ...WORDS,
  BOX,
  PROVISIONER,
  OTHER,
  '\n│ ',
  '\x1b[',
  '\xe2',
  'A'.repeat(33),
  '\r\n',
  '\x1b[0m\x1b[1m',
  '\\u00',
  '%2',
];

interface Case {
  readonly secrets: readonly Secret[];
  readonly raw: Buffer;
}

const someCase: fc.Arbitrary<Case> = fc.array(secretValue, { minLength: 1, maxLength: 4 }).chain((values) => {
  const spelled = fc.tuple(fc.constantFrom(...values), fc.constantFrom(...SPELL)).map(([value, spell]) => spell(value));
  const cutOff = fc.tuple(spelled, fc.nat(40)).map(([text, length]) => text.slice(0, length));
  const noise = fc.constantFrom(...NOISE);
  return fc
    .array(fc.oneof(spelled, cutOff, noise), { maxLength: 12 })
    .map((parts) => ({ secrets: secretsOf(...values), raw: Buffer.from(parts.join('')) }));
});

const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

describe('whatever the bytes', () => {
  it('is what the oracle says, wherever the chunks split', () => {
    fc.assert(
      fc.property(someCase, cuts, ({ secrets, raw }, places) => {
        const expected = maskWhole(raw, secrets).toString();
        expect(maskIn(raw, secrets, []).toString()).toBe(expected);
        expect(maskIn(raw, secrets, places).toString()).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same byte by byte', () => {
    fc.assert(
      fc.property(someCase, ({ secrets, raw }) => {
        const whole = maskIn(raw, secrets, []);
        expect(maskIn(raw, secrets, [...raw.keys()])).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on from any checkpoint to the same byte', () => {
    fc.assert(
      fc.property(someCase, cuts, ({ secrets, raw }, places) => {
        const patterns = compilePatterns([{ fromOffset: 0, secrets }]);
        const whole = maskIn(raw, secrets, []);
        const masker = createMasker({ patterns });
        const borders = [0, ...places.map((cut) => cut % (raw.length + 1)), raw.length].sort((a, b) => a - b);
        for (const [i, to] of borders.slice(1).entries()) {
          masker.push(raw.subarray(borders[i], to));
          const start = masker.checkpoint();
          const successor = createMasker({ patterns, start });
          const rest = Buffer.concat([successor.push(raw.subarray(start.rawOffset)), successor.end()]);
          expect(rest.toString()).toBe(whole.subarray(start.maskedOffset).toString());
        }
      }),
      { numRuns: 300 },
    );
  });
});
