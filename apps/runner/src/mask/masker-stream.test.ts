import { describe, expect, it } from 'vitest';
import type { Cut, Cutter } from './cutter.ts';
import { compilePatterns, createMasker, type Masker, maskText } from './index.ts';

const patterns = compilePatterns([
  {
    fromOffset: 0,
    secrets: [
      { name: 'password', value: 'hunter2' },
      { name: 'phrase', value: 'correct horse' },
    ],
  },
]);

const push = (masker: Masker, text: string) => masker.push(Buffer.from(text)).toString();

describe('holds back', () => {
  it('nothing when no match can be under way, and only its bytes when one is', () => {
    const masker = createMasker({ patterns });
    expect(push(masker, 'Apply complete!\n')).toBe('Apply complete!\n');
    expect(push(masker, 'aHVu')).toBe('');
    expect(push(masker, '\n')).toBe('aHVu\n');
    expect(push(masker, 'the hunt')).toBe('the ');
    expect(push(masker, ' is')).toBe('hunt is');
    expect(push(masker, ' hunter')).toBe(' ');
    expect(push(masker, '2')).toBe('[MASKED]');
    expect(push(masker, 'hunter2')).toBe('');
    expect(masker.end().toString()).toBe('');
  });

  it('no more than a bounded stretch of white space', () => {
    const masker = createMasker({ patterns });
    push(masker, 'correct');
    let held = 'correct'.length;
    for (let k = 0; k < 100; k++) held += 100 - push(masker, ' '.repeat(100)).length;
    expect(held).toBeLessThanOrEqual(0);
    expect(push(masker, 'horse')).toBe('horse');
  });

  it('not even a masked stretch without an end', () => {
    const ones = compilePatterns([{ fromOffset: 0, secrets: [{ name: 'ones', value: '111111' }] }]);
    const masker = createMasker({ patterns: ones });
    const shown = Array.from({ length: 50 }, () => push(masker, '1'.repeat(10_000))).join('');
    expect(shown + masker.end().toString()).toBe('[MASKED]');
  });
});

describe('secrets that are added later', () => {
  const added = { fromOffset: 12, secrets: [{ name: 'token', value: 'swordfish' }] };
  const all = compilePatterns([added, { fromOffset: 0, secrets: [{ name: 'password', value: 'hunter2' }] }]);

  it('are looked for from their offset on, wherever the chunks split', () => {
    const text = 'swordfish, swordfish, swordfish; hunter2';
    for (let at = 0; at <= text.length; at++) {
      const masker = createMasker({ patterns: all });
      const shown = push(masker, text.slice(0, at)) + push(masker, text.slice(at)) + masker.end().toString();
      expect(shown).toBe('swordfish, swordfish, [MASKED]; [MASKED]');
    }
  });

  it('are all masked in a text that is no part of the stream', () => {
    expect(maskText('swordfish hunter2', all)).toBe('[MASKED] [MASKED]');
  });

  it('can be adopted in the middle', () => {
    const masker = createMasker({ patterns });
    const before = push(masker, 'swordfish hunt');
    masker.adopt(compilePatterns([{ ...added, fromOffset: masker.rawOffset() }]));
    expect(before + push(masker, 'er2 swordfish.')).toBe('swordfish hunter2 [MASKED].');
  });
});

/** Cuts what stands between two marks, in whatever pieces it comes. */
function createMarkCutter(notice: string, startsAt: number): Cutter {
  let text = '';
  const view = (final: boolean) => {
    const cuts: Cut[] = [];
    let at = 0;
    for (let from = text.indexOf('<<'); from >= 0; from = text.indexOf('<<', at)) {
      const end = text.indexOf('>>', from);
      at = end < 0 ? text.length : end + 2;
      cuts.push({ from: startsAt + from, to: startsAt + at, notice });
    }
    const half = !final && text.endsWith('<') && at < text.length ? 1 : 0;
    return { cuts, settledTo: startsAt + text.length - half };
  };
  return {
    push(chunk) {
      text += chunk.toString();
      return view(false);
    },
    end: () => view(true),
    stateAt: () => 'none',
  };
}

describe('a cutter', () => {
  it.each([
    ['takes stretches out', 'a\n<<hunter2\nstate>>\nb hunter2', 'a\n(cut)\nb [MASKED]'],
    ['cuts also through masked stretches', 'x hun<<cut>>ter2 hunt<', 'x hun(cut)ter2 hunt<'],
    ['may cut to the end', 'x hunter2<<one\ntwo', 'x [MASKED](cut)'],
    ['may cut twice', '<<1>><<2>>', '(cut)(cut)'],
  ])('%s, wherever the chunks split', (_, text, expected) => {
    for (let at = 0; at <= text.length; at++) {
      const masker = createMasker({ patterns, createCutter: (offset) => createMarkCutter('(cut)', offset) });
      const shown = push(masker, text.slice(0, at)) + push(masker, text.slice(at)) + masker.end().toString();
      expect(shown).toBe(expected);
    }
  });

  it('keeps checkpoints out of what it cuts', () => {
    const masker = createMasker({ patterns, createCutter: (offset) => createMarkCutter('(cut)', offset) });
    push(masker, 'a\n<<b\nc\n');
    expect(masker.checkpoint()).toEqual({ rawOffset: 2, maskedOffset: 2, cutter: 'none' });
    push(masker, '>>\nd');
    expect(masker.checkpoint()).toEqual({ rawOffset: 11, maskedOffset: 8, cutter: 'none' });
  });
});

describe('skipping', () => {
  it('leaves out what is held back, says so, and goes on behind', () => {
    const masker = createMasker({ patterns });
    expect(push(masker, 'a\nhunt')).toBe('a\n');
    expect(masker.skip(1000, '[gap]\n').toString()).toBe('[gap]\n');
    expect(masker.checkpoint()).toEqual({ rawOffset: 1000, maskedOffset: 8 });
    expect(push(masker, 'er2 hunter2\nb')).toBe('er2 [MASKED]\nb');
    expect(masker.checkpoint()).toEqual({ rawOffset: 1012, maskedOffset: 21 });
  });
});

describe('patterns', () => {
  it('take memory in proportion to the secrets, whatever these are made of', () => {
    const secrets = Array.from({ length: 25 }, (_, i) => ({
      name: `key${i}`,
      value: Array.from({ length: 4096 }, (_, k) => String.fromCharCode(33 + ((k * k * 31 + k * i * 7 + i) % 94))).join(
        '',
      ),
    }));
    const { pieces, heads, entryGram, filter } = compilePatterns([{ fromOffset: 0, secrets }]);
    const secretBytes = secrets.length * 4096;
    expect(pieces.length).toBeLessThan(secretBytes / 4);
    expect(entryGram.length).toBeLessThan(secretBytes);
    expect(filter.byteLength + heads.byteLength).toBeLessThanOrEqual(5 * 2 ** 22);
  });
});
