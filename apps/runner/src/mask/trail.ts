/** The way of one match through the text, told by those who read along it. */
export interface Trail {
  /**
   * Whether a broken line is gone on with where its provisioner speaks next, even if lines of others stand before that; else
   * with whatever line is next. What merely looks like a provisioner's line may be a sentence that goes on in the next one.
   */
  readonly follows: boolean;
  /** Whether there was a line end where the two differ. */
  forked: boolean;
  /** Places where it left the text and came back to it, in turns: line ends, prefixes and lines of others are no part of a secret. */
  readonly holes: number[];
  /** Bytes of the lines of others in the holes. */
  leftOut: number;
}

export function createTrail(follows: boolean): Trail {
  return { follows, forked: false, holes: [], leftOut: 0 };
}

/** What `backTo` needs to forget all that was told since. */
export type TrailMark = readonly [holes: number, leftOut: number];

export const markOf = ({ holes, leftOut }: Trail): TrailMark => [holes.length, leftOut];

export function backTo(trail: Trail, [holes, leftOut]: TrailMark): void {
  trail.holes.length = holes;
  trail.leftOut = leftOut;
}

/** Gives the stretches from `from` to `to` that are no hole. */
export function eachStretch(
  from: number,
  to: number,
  holes: readonly number[],
  onStretch: (from: number, to: number) => void,
): void {
  let at = from;
  for (let k = 0; k < holes.length; k += 2) {
    if (at < (holes[k] as number)) onStretch(at, holes[k] as number);
    at = holes[k + 1] as number;
  }
  if (at < to) onStretch(at, to);
}
