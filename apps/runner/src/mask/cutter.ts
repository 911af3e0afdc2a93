/** A stretch of the raw bytes that is taken out of the log, and the line that stands there instead. */
export interface Cut {
  readonly from: number;
  /** May be further on in a later answer, never nearer. */
  readonly to: number;
  /** What a reader sees instead. It is not masked. */
  readonly notice: string;
}

export interface CutView {
  /** Every cut that ends behind the `settledTo` of the answer before, in order and without overlap. */
  readonly cuts: readonly Cut[];
  /** Nothing before it will be cut any more. What lies behind it is held back, so it must follow closely. */
  readonly settledTo: number;
}

/** What a cutter must remember to go on elsewhere; JSON. */
export type CutterState = string;

/**
 * Takes things out of the raw stream that must not stand in a log at all, such as the state that Terraform prints
 * when it can neither save it nor write `errored.tfstate`. Must be deterministic, however the bytes are split.
 */
export interface Cutter {
  /** `rawOffset` is the place of the chunk's first byte; chunks follow each other without a gap. */
  push(chunk: Buffer, rawOffset: number): CutView;
  end(): CutView;
  /** For a cutter that goes on at `rawOffset`: the start of a line, settled, in no cut, none older than the last asked. */
  stateAt(rawOffset: number): CutterState;
}

/** Makes a cutter that starts at a raw offset; `state` is what its predecessor gave for that place, if there is one. */
export type CreateCutter = (rawOffset: number, state?: CutterState) => Cutter;
