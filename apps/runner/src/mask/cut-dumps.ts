import { type CutterPosition, createDumpCutter, type OutputSegment } from '@groundcrew/terraform';
import type { CreateCutter, Cut, Cutter } from './cutter.ts';

const NOTICE = '[the state that Terraform printed here is kept apart, as a secret]\n';

/** Bytes of a state that Terraform printed. `from` is where it begins in the raw file, `at` where these bytes stand. */
export interface DumpPart {
  readonly from: number;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * Cuts out the states that Terraform prints as its last resort. `onDump` is given each part at least once: a part comes
 * again when the stream is masked again, from the same place.
 */
export function cutDumps(onDump: (part: DumpPart) => void): CreateCutter {
  return (rawOffset, state) => createDumpCuts(rawOffset, state === 'passing' ? 'passing' : 'output', onDump);
}

function createDumpCuts(start: number, mode: CutterPosition['mode'], onDump: (part: DumpPart) => void): Cutter {
  const cutter = createDumpCutter({ offset: start, mode, lineStart: true });
  let passingFrom = mode === 'passing' ? start : Number.POSITIVE_INFINITY;
  let offset = start;
  let cuts: Cut[] = [];

  function take({ kind, bytes }: OutputSegment): void {
    const last = cuts.at(-1);
    if (kind === 'dump') {
      const goesOn = last?.to === offset;
      const from = goesOn ? last.from : offset;
      if (goesOn) cuts.pop();
      cuts.push({ from, to: offset + bytes.length, notice: NOTICE });
      onDump({ from, at: offset, bytes });
    }
    offset += bytes.length;
  }

  function view(segments: readonly OutputSegment[]) {
    cuts = cuts.slice(-1);
    for (const segment of segments) take(segment);
    // The cutter changes to passing between two segments, and everything behind is one segment.
    if (cutter.position().mode === 'passing' && passingFrom > offset) {
      passingFrom = offset - (segments.at(-1)?.bytes.length ?? 0);
    }
    return { cuts, settledTo: offset };
  }

  return {
    push: (chunk) => view(cutter.push(chunk)),
    end: () => view(cutter.end()),
    stateAt: (rawOffset) => (rawOffset >= passingFrom ? 'passing' : 'output'),
  };
}
