import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findDurationMs } from './duration.ts';
import { formatBytes, formatDuration } from './format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1549, '1.5 kB'],
  [9960, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1 MB'],
  [47_300_000, '47 MB'],
  [2.5e15, '2500 TB'],
])('%d bytes are %s', (bytes, written) => expect(formatBytes(bytes)).toBe(written));

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [999.7, '1 s'],
  [1234, '1.2 s'],
  [59_949, '59.9 s'],
  [59_950, '1 m'],
  [125_000, '2 m 5 s'],
  [3_599_600, '1 h'],
  [11_400_000, '3 h 10 m'],
  [187_200_000, '2 d 4 h'],
  [-1500, '-1.5 s'],
])('%d ms are %s', (ms, written) => expect(formatDuration(ms)).toBe(written));

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5h', 5_400_000],
  ['1h30m', 5_400_000],
  ['2d', 172_800_000],
  ['10', 10_000],
])('%s is a duration', (written, ms) => expect(findDurationMs(written)).toBe(ms));

test.each(['', 's', '-5s', '5 s', '5w', '1h30', 'ten seconds', '1..5s'])('"%s" is none', (written) =>
  expect(findDurationMs(written)).toBeUndefined(),
);

test('no number of bytes prints more than three digits before its unit, up to terabytes', () => {
  const length = fc.integer({ min: 0, max: 999_000_000_000_000 });
  fc.assert(
    fc.property(length, (bytes) => {
      expect(formatBytes(bytes)).toMatch(/^(\d{1,3}|\d\.\d) (B|kB|MB|GB|TB)$/);
    }),
  );
});
