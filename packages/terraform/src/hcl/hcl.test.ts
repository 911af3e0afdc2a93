import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listHclBlocks } from './hcl-blocks.ts';
import { tokenizeHcl } from './hcl-tokens.ts';
import { findHclValueMistake } from './hcl-value.ts';

const paths = (source: string) =>
  [...listHclBlocks(source)].map(({ path, labels }) => [path.join('/'), ...labels].join(' '));

describe('listHclBlocks', () => {
  it('finds blocks and their labels', () => {
    expect(
      paths(
        'terraform {\n  backend "s3" {\n    key = "x"\n  }\n}\nvariable "a" {}\nlocals {\n o = {\n  backend = 1\n }\n}',
      ),
    ).toEqual(['terraform', 'terraform/backend s3', 'variable a', 'locals']);
  });
  it('is not taken in by comments, strings, heredocs and templates', () => {
    const source = `
      # terraform { backend "a" {
      // terraform { backend "b" {
      /* terraform { backend "c" {
      */
      locals {
        a = "terraform { backend \\"d\\" { \${ "}" } $\${"
        b = <<-EOT
          terraform {
            backend "e" { \${ join("}", ["EOT"]) }
          EOT2
          EOT
        c = [for x in {} : { y = x }]
      }
      terraform { # backend "f" {
        cloud {
        }
      }`;
    expect(paths(source)).toEqual(['locals', 'terraform', 'terraform/cloud']);
  });
  it('takes unquoted labels, BOM, CRLF and one-line blocks', () => {
    expect(paths('\ufeffterraform {\r\n backend local {\r\n }\r\n}')).toEqual(['terraform', 'terraform/backend local']);
    expect(paths('terraform { backend "x" {} }')).toEqual(['terraform', 'terraform/backend x']);
  });
  it('gives what it found of a broken file', () => {
    expect(paths('terraform {\n backend "x" {\n a = "unclosed\n')).toEqual(['terraform', 'terraform/backend x']);
  });
  it('is linear', () => {
    const heredoc = `a = <<E\n${' '.repeat(500_000)}${'\n x'.repeat(200_000)}\nE\n`;
    const started = performance.now();
    expect([...tokenizeHcl(heredoc.repeat(2))]).toHaveLength(8);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('findHclValueMistake', () => {
  it.each([
    '1',
    '-1.5e10',
    'true',
    'null',
    '"x"',
    '"a\\"b\\n"',
    '[1, "two", null]',
    '{ a = 1\n b = [\n1,\n2 ]\n}',
    '"$${not} %%{it}"',
    '<<EOT\nfoo\n bar = 1\nEOT',
    '[<<-E\n x\n E\n, 2]',
    '{"a": {"b": 1}}',
    ' 1 # note',
    '(1 +\n2)',
    '"ünï\u2028"',
    '1 /* a\nb */',
  ])('accepts %j', (value) => {
    expect(findHclValueMistake(value)).toBeUndefined();
  });
  it.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['1\nother = 2', 'line break'],
    ['1 # x\nother = 2', 'line break'],
    ['"a', 'not closed'],
    ['"a\nb"', 'not closed'],
    ['[1', 'not closed'],
    ['1]', 'closes nothing'],
    ['{]', 'closes nothing'],
    ['[(])', 'closes nothing'],
    ['"${x}"', 'interpolate'],
    ['"$$${x}"', 'interpolate'],
    ['"%{ if true }a%{ endif }"', 'interpolate'],
    ['<<E\nfoo', 'not closed'],
    ['<<E\nfoo\nE\nother = 1', 'line break'],
    ['<<E\n${"\nE\n"}\nE', 'closed'],
    ['1 /* open', 'comment is not closed'],
    ['"a\\"', 'not closed'],
    ['1\u0000', 'control'],
    ['['.repeat(300) + ']'.repeat(300), 'deep'],
    ['<<E x\nE', 'does not begin'],
    ['"a\\\n"', 'not closed'],
    ['<<E\u0301\nE\u0301', 'plain letters'],
    ['<<E\n\u0085E\n]\nE', 'unusual'],
    ['<<E\n$$${\nE', 'interpolate'],
    ['[<<E\u0301\n[\nE\u0301\n]\nevil = 1\n]', 'plain letters'],
  ])('refuses %j', (value, why) => {
    expect(findHclValueMistake(value)).toContain(why);
  });
  it('never lets a second definition through, whatever is around it', () => {
    const piece = fc.constantFrom(
      '"',
      '\\',
      '\n',
      '{',
      '}',
      '[',
      ']',
      '<<E\n',
      'E',
      '\nE\n',
      '#',
      '//',
      '/*',
      '*/',
      '${',
      '$${',
      '%{',
      ' ',
      'a',
      '=',
      '1',
      ',',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(piece, { maxLength: 8 }), (before, after) => {
        const value = `1${before.join('')}\nevil = 1${after.join('')}`;
        return findHclValueMistake(value) !== undefined || !definesOutside(value, 'evil');
      }),
      { numRuns: 5_000 },
    );
  });
});

/** Whether the word stands outside of brackets, strings, heredocs and comments. */
function definesOutside(value: string, name: string): boolean {
  let depth = 0;
  for (const token of tokenizeHcl(value.trim())) {
    depth += token.kind === 'open' ? 1 : token.kind === 'close' ? -1 : 0;
    if (depth === 0 && token.kind === 'word' && token.text === name) return true;
  }
  return false;
}
