import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderWith, SKIP_TERRAFORM, succeed, terraform } from '../terraform-for-tests.ts';
import { findVariableMistakes, renderVariables } from './render-variables.ts';
import { writeVariables } from './write-variables.ts';

const text = (key: string, value: string) => ({ key, value, hcl: false });
const hcl = (key: string, value: string) => ({ key, value, hcl: true });

describe('renderVariables', () => {
  it('gives every variable a line of its own', () => {
    const { json, hcl: native } = renderVariables([
      text('a', 'x\n${y}'),
      hcl('b', '[1,\n 2]'),
      hcl('c', '{ d = 1 }'),
      hcl('e', '"$${f}"'),
    ]);
    expect(json).toBe('{\n  "a": "x\\n${y}",\n  "b": [1, 2]\n}\n');
    expect(native).toBe('c = { d = 1 }\ne = "$${f}"\n');
    expect(renderVariables([])).toEqual({ json: undefined, hcl: undefined });
  });

  it('keeps every digit of a number', () => {
    expect(renderVariables([hcl('n', '12345678901234567890.123')]).json).toContain('"n": 12345678901234567890.123');
  });

  it('is JSON that says the same, for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (values) => {
        const { json = '' } = renderVariables(values.map((value, i) => text(`v${i}`, value)));
        expect(json.trimEnd().split('\n')).toHaveLength(values.length + 2);
        expect(Object.values(JSON.parse(json))).toEqual(values);
      }),
    );
  });

  it('tells all mistakes at once and no value', () => {
    const mistakes = findVariableMistakes([
      text('1a', 's3cret'),
      text('ok', 's3cret'),
      text('ok', 's3cret'),
      hcl('h', '"s3cret'),
      hcl('t', '"${s3cret}"'),
    ]);
    expect(mistakes).toHaveLength(4);
    expect(mistakes.join()).not.toContain('s3cret');
    expect(() => renderVariables([hcl('h', '')])).toThrow(
      'The value of the variable "h" is marked as HCL, but it is empty',
    );
  });
});

describe.skipIf(SKIP_TERRAFORM)('with real Terraform', () => {
  const NASTY = [
    '${var.x}',
    '%{if}',
    '"quoted"',
    'two\nlines\r\n',
    '\\back\\slash\\n',
    'ünïcødé 漢字 🚀',
    '\ufeffBOM',
    '\u2028',
    "'",
    '$${x}',
    '',
    'EOT',
    '# no comment',
    '/* no */',
    'x'.repeat(100_000),
    '\u0001\u007f',
  ];

  it('nasty strings arrive as they are', async () => {
    const dir = folderWith({
      'main.tf': NASTY.map(
        (_, i) => `variable "v${i}" {\n type = string\n}\noutput "v${i}" {\n value = base64encode(var.v${i})\n}\n`,
      ).join(''),
    });
    await writeVariables(
      dir,
      NASTY.map((value, i) => text(`v${i}`, value)),
    );
    await succeed(dir, ['init', '-input=false']);
    await succeed(dir, ['apply', '-auto-approve', '-input=false']);
    const outputs = JSON.parse((await succeed(dir, ['output', '-json'])).stdout);
    expect(NASTY.map((_, i) => Buffer.from(outputs[`v${i}`].value, 'base64').toString())).toEqual(NASTY);
  });

  it('expressions arrive with all digits and win over files of the configuration', async () => {
    const dir = folderWith({
      'main.tf': ['n', 'l', 'o', 'h', 'p', 's']
        .map(
          (name) => `variable "${name}" {\n type = any\n}\noutput "${name}" {\n value = jsonencode(var.${name})\n}\n`,
        )
        .join(''),
      'zzzzz.auto.tfvars': 'n = 1\nh = "file"\n',
      'terraform.tfvars': 'p = "file"\n',
    });
    const files = await writeVariables(dir, [
      hcl('n', '12345678901234567890.123'),
      hcl('l', '[\n  "a", 18446744073709551615,\n]'),
      hcl('o', '{ a = { "b" = null }\n c = true }'),
      hcl('h', '<<-EOT\n  one\n    n = 2\nEOT'),
      text('p', 'workspace'),
      hcl('s', '"a\\/b\\ud83d\\ude80"'),
    ]);
    expect(files).toEqual(['zzzzz_zzzz_groundcrew.auto.tfvars.json', 'zzzzz_zzzz_groundcrew_hcl.auto.tfvars']);
    expect(statSync(join(dir, files[0] as string)).mode & 0o777).toBe(0o600);
    expect(await writeVariables(dir, [text('p', 'workspace')])).toEqual([files[0]]);
    await writeVariables(dir, [
      hcl('n', '12345678901234567890.123'),
      text('p', 'workspace'),
      hcl('s', '"a\\/b\\ud83d\\ude80"'),
    ]);
    await succeed(dir, ['init', '-input=false']);
    await succeed(dir, ['apply', '-auto-approve', '-input=false']);
    const outputs = JSON.parse((await succeed(dir, ['output', '-json'])).stdout);
    const values = Object.fromEntries(Object.entries(outputs).map(([k, v]) => [k, (v as { value: string }).value]));
    expect(values).toEqual({
      n: '12345678901234567890.123',
      l: '["a",18446744073709551615]',
      o: '{"a":{"b":null},"c":true}',
      h: '"one\\n  n = 2\\n"',
      p: '"workspace"',
      s: '"a/b🚀"',
    });
  });

  it('a type error quotes one variable only', async () => {
    const dir = folderWith({
      'main.tf': 'variable "n" {\n type = number\n}\nvariable "secret" {\n type = string\n}\n',
    });
    await writeVariables(dir, [text('secret', 'hunter2'), text('n', 'nonsense')]);
    await succeed(dir, ['init', '-input=false']);
    const { code, output } = await terraform(dir, ['plan', '-input=false']);
    expect(code).toBe(1);
    expect(output).toContain('nonsense');
    expect(output).not.toContain('hunter2');
  });

  it('what passes the check never defines another variable', async () => {
    const pieces = [
      '"',
      '\\',
      '\n',
      '{',
      '}',
      '[',
      ']',
      '<<E\n',
      '<<-E\n',
      'E',
      '\nE\n',
      '#',
      '//',
      '/*',
      '*/',
      '$${',
      ' ',
      'a',
      '=',
      '1',
      ',',
      '(',
      ')',
      '\r\n',
      '\r',
    ];
    const sample = fc.sample(
      fc.tuple(
        fc.array(fc.constantFrom(...pieces), { maxLength: 10 }),
        fc.array(fc.constantFrom(...pieces), { maxLength: 8 }),
      ),
      { numRuns: 40_000, seed: 7 },
    );
    const passing = sample
      .map(([a, b]) => `1${a.join('')}\nevil = "got out"${b.join('')}`)
      .filter((value) => findVariableMistakes([hcl('v', value)]).length === 0);
    const brackets = sample
      .map(([a, b]) => `[${a.join('')}\nevil = "got out"${b.join('')}]`)
      .filter((value) => findVariableMistakes([hcl('v', value)]).length === 0);
    const values = [...passing.slice(0, 10), ...brackets.slice(0, 10)];
    expect(values.length).toBeGreaterThan(10);
    const dir = folderWith({
      'main.tf':
        'variable "v" {\n type = any\n default = 1\n}\nvariable "evil" {\n default = "safe"\n}\noutput "evil" {\n value = "evil is ${var.evil}"\n}\n',
    });
    await succeed(dir, ['init', '-input=false']);
    for (const value of values) {
      await writeVariables(dir, [hcl('v', value)]);
      const { output } = await terraform(dir, ['plan', '-input=false']);
      expect(output, readFileSync(join(dir, 'zzzz_groundcrew_hcl.auto.tfvars'), 'utf8')).not.toContain(
        'evil is got out',
      );
    }
  }, 30_000);
});
