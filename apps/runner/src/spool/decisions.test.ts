import { describe, expect, it } from 'vitest';
import { CHECKPOINT_SPACING, createCheckpoints, KEEP_BEHIND } from './checkpoints.ts';
import { createOutbox } from './outbox.ts';
import { findOverflow } from './overflow.ts';
import { dueInMs, type SendingState } from './pace.ts';
import type { AppendAnswer } from './ports.ts';
import { settleAnswer } from './settle.ts';
import { createSha256 } from './sha256.ts';
import type { Checkpoint } from './spool-journal.ts';

describe('the next send is due', () => {
  const state: SendingState = {
    now: 10_000,
    bytes: 100,
    waitingSince: 9_900,
    lastSentAt: 9_980,
    intervalMs: 1_000,
    ended: false,
  };
  it.each<[string, Partial<SendingState>, number | undefined]>([
    ['never, with nothing to send', { bytes: 0, ended: true }, undefined],
    ['a second after the first byte, when nobody watches', {}, 900],
    ['at once with a full batch', { bytes: 1_000 }, 0],
    ['at once at the end', { ended: true }, 0],
    ['an interval after the last send, while somebody watches', { intervalMs: 50 }, 30],
    ['at once after a pause, while somebody watches', { intervalMs: 50, lastSentAt: 0, waitingSince: 10_000 }, 0],
    ['at once when it is overdue', { waitingSince: 0 }, 0],
  ])('%s', (_, change, expected) => {
    expect(dueInMs({ ...state, ...change }, 1_000)).toBe(expected);
  });
});

describe('an answer to a chunk at 100', () => {
  it.each<[AppendAnswer, object]>([
    [
      { kind: 'saved', nextOffset: 150 },
      { kind: 'advance', to: 150, differs: false },
    ],
    [
      { kind: 'mismatch', storedLength: 150 },
      { kind: 'advance', to: 150, differs: true },
    ],
    [
      { kind: 'mismatch', storedLength: 30 },
      { kind: 'rewind', to: 30 },
    ],
    [
      { kind: 'saved', nextOffset: 30 },
      { kind: 'rewind', to: 30 },
    ],
    [
      { kind: 'saved', nextOffset: 100 },
      { kind: 'again', retryAfterMs: 0 },
    ],
    [
      { kind: 'mismatch', storedLength: 100 },
      { kind: 'again', retryAfterMs: 0 },
    ],
    [
      { kind: 'saved', nextOffset: Number.NaN },
      { kind: 'again', retryAfterMs: 0 },
    ],
    [
      { kind: 'mismatch', storedLength: -1 },
      { kind: 'again', retryAfterMs: 0 },
    ],
    [{ kind: 'damaged' }, { kind: 'again', retryAfterMs: 0 }],
    [
      { kind: 'refused', sentence: 'Busy.', retryAfterMs: 9_000 },
      { kind: 'again', reason: 'Busy.', retryAfterMs: 9_000 },
    ],
  ])('%j', (answer, verdict) => {
    expect(settleAnswer(answer, 100)).toMatchObject(verdict);
  });
});

describe('the outbox', () => {
  const piece = (offset: number, text: string, writtenAt = 0) => ({ offset, bytes: Buffer.from(text), writtenAt });

  it('takes what the server does not have, and gives it out in order', () => {
    const outbox = createOutbox(4);
    outbox.put(piece(0, 'abcdef', 1));
    outbox.put(piece(6, 'ghi', 2));
    expect(outbox.peek(100, 10)).toEqual({ offset: 4, bytes: Buffer.from('efghi'), writtenAt: 1 });
    expect(outbox.peek(3, 10).bytes.toString()).toBe('efg');
    outbox.acknowledge(7);
    expect(outbox.peek(100, 10)).toEqual({ offset: 7, bytes: Buffer.from('hi'), writtenAt: 2 });
    outbox.acknowledge(20);
    outbox.put(piece(9, 'jkl'));
    expect([outbox.start(), outbox.bytes()]).toEqual([20, 0]);
  });

  it('does not mix what was written far apart', () => {
    const outbox = createOutbox(0);
    outbox.put(piece(0, 'early', 0));
    outbox.put(piece(5, 'later', 10));
    outbox.put(piece(10, 'much later', 11));
    expect(outbox.peek(100, 10).bytes.toString()).toBe('earlylater');
  });
});

describe('checkpoints', () => {
  const at = (rawOffset: number): Checkpoint => ({
    rawOffset,
    maskedOffset: rawOffset / 2,
    sha256: createSha256().state(),
  });

  it('are kept now and then, and as far back as the server may forget', () => {
    const checkpoints = createCheckpoints([at(0)]);
    const step = CHECKPOINT_SPACING / 2;
    for (let k = 1; k <= 40; k++) checkpoints.offer(at(k * step));
    expect(checkpoints.find(0)?.rawOffset).toBe(0);
    expect(checkpoints.find(3 * CHECKPOINT_SPACING - 1)?.rawOffset).toBe(5 * CHECKPOINT_SPACING);
    const kept = checkpoints.prune(20 * step);
    expect(kept[0]?.rawOffset).toBe(20 * CHECKPOINT_SPACING - KEEP_BEHIND);
    expect(checkpoints.newest().rawOffset).toBe(20 * CHECKPOINT_SPACING);
    expect(checkpoints.find(CHECKPOINT_SPACING)).toBeUndefined();
  });
});

describe('a log overflows', () => {
  const MiB = 1024 ** 2;
  const limits = { maxUnsentBytes: 100 * MiB, minFreeBytes: 50 * MiB };
  it.each<[string, Parameters<typeof findOverflow>[0], number | undefined]>([
    ['never while little waits', { rawOffset: 900 * MiB, rawLength: 1000 * MiB, freeBytes: 1000 * MiB }, undefined],
    ['when too much waits', { rawOffset: 0, rawLength: 101 * MiB, freeBytes: undefined }, 97 * MiB],
    ['earlier when the disk is nearly full', { rawOffset: 0, rawLength: 65 * MiB, freeBytes: 49 * MiB }, 61 * MiB],
    ['not for a small log on a full disk', { rawOffset: 0, rawLength: 60 * MiB, freeBytes: 0 }, undefined],
  ])('%s', (_, backlog, expected) => {
    expect(findOverflow(backlog, limits)).toBe(expected);
  });
});
