import { expect, test } from 'vitest';
import { findLongFiles } from './sizes.ts';

const lines = (count: number, first = '// code'): string => `${first}\n${'x\n'.repeat(count - 1)}`;

test('warns above 400 lines and stops above 600', () => {
  const files = {
    'a.ts': lines(400),
    'b.ts': lines(401),
    'c.ts': lines(600),
    'd.mjs': lines(601),
  };
  const { mistakes, warnings } = findLongFiles(new Map(Object.entries(files)));
  expect(mistakes).toEqual(['d.mjs has 601 lines; split it by concern (at most 600).']);
  expect(warnings.map((warning) => warning.split(' ')[0])).toEqual(['b.ts', 'c.ts']);
});

test('generated files may be long', () => {
  const files = new Map([['tables.ts', lines(2000, '// Generated from the schema by x; do not edit.')]]);
  expect(findLongFiles(files)).toEqual({ mistakes: [], warnings: [] });
});
