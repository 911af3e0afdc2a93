import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSafeText } from './safe-text.ts';

const clean = (text: string, colours: boolean, cuts: readonly number[] = []): string => {
  const bytes = Buffer.from(text);
  const safe = createSafeText(colours);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return (
    places
      .slice(1)
      .map((to, index) => safe.push(bytes.subarray(places[index], to)))
      .join('') + safe.end()
  );
};

describe('foreign text', () => {
  it.each([
    ['colours', 'a\u001b[1;32mgreen\u001b[0m', 'a\u001b[1;32mgreen\u001b[0m', 'agreen'],
    ['cursor movements', '\u001b[2J\u001b[H\u001b[1Aup', 'up', 'up'],
    ['a window title', '\u001b]0;owned\u0007x\u001b]0;owned\u001b\\y', 'xy', 'xy'],
    ['the clipboard', '\u001b]52;c;cm0gLXJm\u0007done', 'done', 'done'],
    ['other controls', 'a\u0007\b\u0000b\r\nc\td', 'ab\nc\td', 'ab\nc\td'],
    ['eight-bit controls', 'a\u009b2Jb', 'a2Jb', 'a2Jb'],
    ['umlauts and boxes', '╷ Ärger', '╷ Ärger', '╷ Ärger'],
  ])('keeps only colours of %s', (_, text, coloured, plain) => {
    expect(clean(text, true)).toBe(coloured);
    expect(clean(text, false)).toBe(plain);
  });

  it('shows bytes that are no text without failing', () => {
    const safe = createSafeText(true);
    expect(safe.push(Uint8Array.of(0x41, 0xff, 0xc3)) + safe.end()).toBe('A\ufffd\ufffd');
  });

  it('lets no colour arise from what it takes out', () => {
    expect(clean('a\u001b\u001b[31m[mb', false, [])).toBe('a[mb');
  });

  it('never lets an escape through but colours, wherever it is cut', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '\u001b[31m',
        '\u001b[0m',
        '\u001b[2J',
        '\u001b]0;t\u0007',
        '\u001b]8;;x\u001b\\',
        '\u001b',
        '\u001b[',
        'ü',
        '\r',
        'text',
        '\n',
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 4 }), (pieces, cuts) => {
        const text = pieces.join('');
        const coloured = clean(text, true, cuts);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        expect(coloured.replace(/\u001b\[[0-9;:]*m/g, '')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        expect(clean(text, false, cuts)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 500 },
    );
  });

  it('takes time in proportion to what it is given', () => {
    const safe = createSafeText(true);
    const hostile = Buffer.from(`\u001b]${'x'.repeat(1_000)}\u001b[${';'.repeat(1_000)}`.repeat(500));
    const before = performance.now();
    safe.push(hostile);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});
