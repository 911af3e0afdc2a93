/** A stretch of raw offsets that is replaced by `text`. */
export interface Cover {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface Run {
  from: number;
  to: number;
}

/** A set of stretches; those that overlap or touch are one. */
export interface Runs {
  add(from: number, to: number): void;
  /** Forgets what ends before the offset. What ends right at it can still be touched and is kept. */
  forgetBefore(offset: number): void;
  /** Whether one of them begins before the offset and ends behind it. */
  goesAcross(offset: number): boolean;
  list(): readonly Readonly<Run>[];
}

export function createRuns(): Runs {
  let runs: Run[] = [];

  function add(from: number, to: number): void {
    let at = runs.length;
    while (at > 0 && (runs[at - 1] as Run).from > from) at--;
    const before = runs[at - 1];
    if (before && before.to >= from) before.to = Math.max(before.to, to);
    else runs.splice(at++, 0, { from, to });
    swallowFrom(at);
  }

  /** Runs from this index on may now be reached by the one before. */
  function swallowFrom(at: number): void {
    const run = runs[at - 1] as Run;
    let stop = at;
    while (stop < runs.length && (runs[stop] as Run).from <= run.to) {
      run.to = Math.max(run.to, (runs[stop++] as Run).to);
    }
    if (stop > at) runs.splice(at, stop - at);
  }

  function goesAcross(offset: number): boolean {
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((runs[middle] as Run).to <= offset) low = middle + 1;
      else high = middle;
    }
    return low < runs.length && (runs[low] as Run).from < offset;
  }

  return {
    add,
    goesAcross,
    forgetBefore(offset) {
      const kept = runs.findIndex((run) => run.to >= offset);
      runs = kept < 0 ? [] : runs.slice(kept);
    },
    list: () => runs,
  };
}

/** Cuts as they are, and of every run what no cut takes, in order. */
export function* coversOf(runs: Iterable<Readonly<Run>>, cuts: readonly Cover[], maskText: string): Generator<Cover> {
  let next = 0;
  let from = 0;
  for (const run of runs) {
    from = Math.max(from, run.from);
    for (; next < cuts.length && (cuts[next] as Cover).from < run.to; next++) {
      const cut = cuts[next] as Cover;
      if (from < cut.from) yield { from, to: cut.from, text: maskText };
      yield cut;
      from = Math.max(from, cut.to);
    }
    if (from < run.to) yield { from, to: run.to, text: maskText };
  }
  yield* cuts.slice(next);
}
