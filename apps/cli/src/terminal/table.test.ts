import { expect, it } from 'vitest';
import { createStyle, wantsColours } from './style.ts';
import { formatFields, formatTable } from './table.ts';

const plain = createStyle(false);

it('lines columns up, colours not counted', () => {
  const style = createStyle(true);
  const table = formatTable(
    ['NAME', 'STATUS', 'BY'],
    [
      ['a', style.green('applied'), 'me'],
      ['longer', 'x', ''],
    ],
    plain,
  );
  expect(table.split('\n')).toEqual(['NAME    STATUS   BY', `a       ${style.green('applied')}  me`, 'longer  x']);
});

it('leaves fields without a value out, and indents further lines', () => {
  expect(
    formatFields(
      [
        ['One', 'a\nb'],
        ['Second', null],
        ['Third', ''],
      ],
      plain,
    ),
  ).toBe('One  a\n     b');
});

it.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{ FORCE_COLOR: '1' }, false, true],
])('colours with %o on a terminal (%s): %s', (env, isTTY, expected) => {
  expect(wantsColours({ env }, { isTTY })).toBe(expected);
});
