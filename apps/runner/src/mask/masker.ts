import { type Cover, coversOf, createRuns } from './covers.ts';
import type { CreateCutter, Cut, CutterState, CutView } from './cutter.ts';
import type { Patterns } from './patterns.ts';
import { createScan, type Scan } from './scan.ts';
import { LOOK_BEHIND } from './seams.ts';
import { LF } from './text.ts';
import { eachStretch } from './trail.ts';

/** What stands for every masked stretch, whatever secret it was. */
const MASK_TEXT = '[MASKED]';

/** A place where a new masker can go on: `maskedOffset` bytes have come of the first `rawOffset` bytes. */
interface MaskPosition {
  readonly rawOffset: number;
  readonly maskedOffset: number;
  /** What the cutter, if there is one, must know there. */
  readonly cutter?: CutterState | undefined;
}

export interface MaskerOptions {
  readonly patterns: Patterns;
  /** Where to go on; the start of the stream by default. Only what `checkpoint()` once answered is right. */
  readonly start?: MaskPosition;
  /** Takes stretches out before they are masked; none by default. */
  readonly createCutter?: CreateCutter;
}

/**
 * Masks one stream. Call `push` for each chunk in order, `end` once, nothing after it. No call waits or fails.
 *
 * What comes out depends on the bytes and the patterns alone, never on where the chunks split: the stretches covered
 * by any match are joined where they overlap or touch, and each becomes MASK_TEXT. Where Terraform has broken a line, with lines
 * of others in between, each part is masked and what lies between them is shown. Bytes are held back only while they may belong
 * to a match that has begun, at most some 50 KiB.
 */
export interface Masker {
  /** Masked bytes that can no longer change. They may share memory with nothing of the caller's. */
  push(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
  /** The newest place, always the start of a line, where a new masker would go on to the same masked byte. */
  checkpoint(): MaskPosition;
  /** Raw offset behind the last byte pushed. */
  rawOffset(): number;
  /** Goes on with more patterns. They must look for nothing new before `rawOffset()`. */
  adopt(patterns: Patterns): void;
  /**
   * Says `notice` instead of the bytes up to `toOffset`, and goes on there. What is held back goes too: it may be the
   * first half of a secret. `toOffset` should be the start of a line, lest the second half of one stands behind it.
   */
  skip(toOffset: number, notice: string): Buffer;
}

const NOTHING_CUT: CutView = { cuts: [], settledTo: Number.POSITIVE_INFINITY };

export function createMasker({ patterns, start, createCutter }: MaskerOptions): Masker {
  let scan: Scan = createScan(patterns);
  let position: MaskPosition = start ?? { rawOffset: 0, maskedOffset: 0 };
  let cutter = createCutter?.(position.rawOffset, position.cutter);
  /** The first `done` bytes of `window` are written; they are kept only to look back at. */
  let window: Buffer = Buffer.alloc(0);
  let base = position.rawOffset;
  let done = 0;
  let maskedOffset = position.maskedOffset;
  /** What is masked. */
  let runs = createRuns();
  /** The same matches with what lies between their parts: no place to go on, since a successor would not see the first part. */
  let spans = createRuns();
  let cuts: Cut[] = [];

  /** Writes everything up to the raw offset `to`. */
  function write(to: number): Buffer {
    const parts: Buffer[] = [];
    let at = base + done;
    for (const cover of coversOf(runs.list(), cuts.map(noticeOf), MASK_TEXT)) {
      if (cover.from >= to) break;
      if (cover.from >= at) {
        parts.push(clear(at, cover.from), Buffer.from(cover.text));
        maskedOffset += Buffer.byteLength(cover.text);
      }
      at = Math.max(at, Math.min(cover.to, to));
    }
    parts.push(clear(at, to));
    settle(to);
    return joined(parts);
  }

  /** The bytes of a stretch that is shown as it is. A line that starts in it is a place to go on. */
  function clear(from: number, to: number): Buffer {
    const bytes = window.subarray(from - base, to - base);
    const lineStart = bytes.lastIndexOf(LF) + 1;
    if (lineStart > 0 && !spans.goesAcross(from + lineStart))
      position = { rawOffset: from + lineStart, maskedOffset: maskedOffset + lineStart };
    maskedOffset += bytes.length;
    return bytes;
  }

  function settle(to: number): void {
    runs.forgetBefore(to);
    spans.forgetBefore(to);
    cuts = cuts.filter((cut) => cut.to >= to);
    const drop = Math.max(0, to - base - LOOK_BEHIND);
    window = window.subarray(drop);
    base += drop;
    done = to - base;
  }

  function addMatch(from: number, to: number, holes: readonly number[]): void {
    eachStretch(from, to, holes, (start, end) => runs.add(base + start, base + end));
    spans.add(base + from, base + to);
  }

  function advance(view: CutView, final: boolean): Buffer {
    cuts = [...cuts.filter((old) => !view.cuts.some((cut) => cut.from === old.from)), ...view.cuts];
    const alive = scan({ text: { bytes: window, final }, from: done, baseOffset: base }, addMatch);
    return write(final ? base + window.length : Math.min(base + alive, Math.max(base + done, view.settledTo)));
  }

  const rawOffset = () => base + window.length;

  return {
    push(chunk) {
      const view = cutter?.push(chunk, rawOffset()) ?? NOTHING_CUT;
      window = Buffer.concat([window, chunk]);
      return advance(view, false);
    },
    end: () => advance(cutter?.end() ?? NOTHING_CUT, true),
    checkpoint: () => (cutter ? { ...position, cutter: cutter.stateAt(position.rawOffset) } : position),
    rawOffset,
    adopt(more) {
      scan = createScan(more);
    },
    skip(toOffset, notice) {
      const said = Buffer.from(notice);
      maskedOffset += said.length;
      window = Buffer.alloc(0);
      base = toOffset;
      done = 0;
      runs = createRuns();
      spans = createRuns();
      cuts = [];
      cutter = createCutter?.(toOffset);
      position = { rawOffset: toOffset, maskedOffset };
      return said;
    },
  };
}

/** Most chunks hold no secret and need not be copied. */
function joined(parts: readonly Buffer[]): Buffer {
  const [only = Buffer.alloc(0), ...more] = parts;
  return more.length === 0 ? only : Buffer.concat(parts);
}

function noticeOf({ from, to, notice }: Cut): Cover {
  return { from, to, text: notice };
}
