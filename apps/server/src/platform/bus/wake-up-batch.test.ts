import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packWakeUps, unpackWakeUps } from './wake-up-batch.ts';

const wakeUp = fc.tuple(
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
);

test('whatever is packed fits into NOTIFY and arrives whole and in order', () => {
  fc.assert(
    fc.property(fc.array(wakeUp, { maxLength: 300 }), (wakeUps) => {
      const payloads = packWakeUps('replica-1', wakeUps);
      expect(payloads.every((payload) => Buffer.byteLength(payload) < 8000)).toBe(true);
      expect(payloads.flatMap((payload) => unpackWakeUps(payload, 'replica-2'))).toEqual(wakeUps);
    }),
  );
});

test('few payloads are used, and none for nothing', () => {
  const wakeUps = Array.from({ length: 200 }, (_, index) => ['log:task-abcdefghijklmnopqrst', `att-${index}`] as const);
  expect(packWakeUps('replica-1', wakeUps)).toHaveLength(2);
  expect(packWakeUps('replica-1', [])).toEqual([]);
});

test('our own messages and what is not ours are passed over', () => {
  expect(unpackWakeUps('["replica-1","a","b"]', 'replica-1')).toEqual([]);
  for (const other of ['', 'hello', '{}', '[1]', '[null]', '"x"'])
    expect(unpackWakeUps(other, 'replica-1')).toEqual([]);
});
