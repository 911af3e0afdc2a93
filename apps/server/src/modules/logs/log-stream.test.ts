import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineSplitter, findExcess, levelOf, placeChunk, stripEscapes } from './log-stream.ts';

describe('placeChunk', () => {
  test('goes on at the stored length', () => expect(placeChunk(10, 10, 5)).toEqual({ kind: 'append', skip: 0 }));
  test('skips what is stored already', () => expect(placeChunk(10, 8, 5)).toEqual({ kind: 'append', skip: 2 }));
  test('knows a chunk that lies wholly in the stored part', () =>
    expect(placeChunk(10, 2, 5)).toEqual({ kind: 'known', overlap: 5 }));
  test('knows a repeated last chunk', () => expect(placeChunk(10, 5, 5)).toEqual({ kind: 'known', overlap: 5 }));
  test('sees a hole', () => expect(placeChunk(10, 11, 5)).toEqual({ kind: 'hole' }));
});

describe('findExcess', () => {
  const segments = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ offset: i * 10, length: 10, gap: false }));
  test('keeps everything below the limits', () =>
    expect(findExcess(segments(3), 30, { headBytes: 20, tailBytes: 20 })).toBeUndefined());
  test('cuts the middle on segment borders', () =>
    expect(findExcess(segments(10), 100, { headBytes: 20, tailBytes: 25 })).toEqual({ from: 20, to: 70 }));
  test('does not cut a gap again', () =>
    expect(
      findExcess(
        [
          { offset: 0, length: 20, gap: false },
          { offset: 20, length: 50, gap: true },
          { offset: 70, length: 20, gap: false },
        ],
        90,
        { headBytes: 20, tailBytes: 20 },
      ),
    ).toBeUndefined());
});

describe('lines', () => {
  test('do not depend on where chunks split', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(50), { maxLength: 20 }), (bytes, cuts) => {
        const data = Buffer.from(bytes.map((b) => (b % 5 === 0 ? 0x0a : b)));
        const whole = createLineSplitter(0);
        const expected = [...whole.push(data), ...whole.flush()];
        const pieces = createLineSplitter(0);
        const lines: { offset: number; text: string }[] = [];
        let at = 0;
        for (const cut of cuts) {
          lines.push(...pieces.push(data.subarray(at, at + cut)));
          at += cut;
        }
        lines.push(...pieces.push(data.subarray(Math.min(at, data.length))), ...pieces.flush());
        expect(lines).toEqual(expected);
      }),
    );
  });
  test('name the offset they start at, and where to come back to', () => {
    const splitter = createLineSplitter(100);
    expect(splitter.push(Buffer.from('one\r\ntwo\nthr'))).toEqual([
      { offset: 100, text: 'one' },
      { offset: 105, text: 'two' },
    ]);
    expect(splitter.resumeOffset()).toBe(109);
  });
  test('an endless line comes in pieces', () => {
    const splitter = createLineSplitter(0);
    const lines = splitter.push(Buffer.alloc(200_000, 'x'));
    expect(lines.map((l) => l.text.length)).toEqual([65_536, 65_536, 65_536]);
  });
});

test('levels come from Terraform’s diagnostics', () => {
  expect(levelOf('\u001b[31m│\u001b[0m \u001b[0m\u001b[1m\u001b[31mError: \u001b[0m\u001b[0mno')).toBe('error');
  expect(levelOf('│ Warning: old')).toBe('warn');
  expect(levelOf('terraform_data.a: Creating...')).toBe('info');
});

test('escape sequences go, text stays', () =>
  expect(stripEscapes('\u001b[1ma\u001b[0m\u001b]8;;http://x\u0007b\u001b[2K')).toBe('ab'));
