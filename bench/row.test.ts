import { expect, test } from 'vitest';
import { createRow, formatTable } from './row.ts';
import { median, percentile } from './statistics.ts';

test('the median is the middle sample, or the mean of two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(() => median([])).toThrow('nothing');
});

test('a percentile is a sample that so many do not exceed', () => {
  const samples = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect(percentile(samples, 0.99)).toBe(99);
  expect(percentile(samples, 0.5)).toBe(50);
  expect(percentile(samples, 1)).toBe(100);
  expect(percentile([5, 1], 0.99)).toBe(5);
  expect(percentile([5, 1], 0)).toBe(1);
});

test('a target is met by what was measured, not by what is shown', () => {
  expect(createRow('x', 1.1504, '×', 1.15)).toEqual({ name: 'x', value: 1.15, unit: '×', target: 1.15, met: false });
  expect(createRow('x', 1.15, '×', 1.15).met).toBe(true);
  expect(createRow('x', 900, 'ms')).toMatchObject({ target: null, met: true });
});

test('the table lines up and says what was missed', () => {
  const rows = [
    createRow('start', 12.34, 'ms', 25),
    createRow('run', 2, '×', 1.15, 'bare'),
    createRow('queue', 1.4, 'ms'),
  ];
  expect(formatTable(rows).split('\n')).toEqual([
    'what        measured  to reach',
    'start        12.3 ms   ≤ 25 ms  met',
    'run (bare)       2 ×  ≤ 1.15 ×  MISSED',
    'queue         1.4 ms',
  ]);
});
