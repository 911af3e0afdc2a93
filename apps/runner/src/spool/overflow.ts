/** When a log that cannot be sent is dropped in part. */
export interface OverflowLimits {
  /** So much of the raw file may wait for the server. Default 1 GiB. */
  readonly maxUnsentBytes: number;
  /** When the disk has less room than this, less may wait. Default 256 MiB. */
  readonly minFreeBytes: number;
  /** Milliseconds between looks. Default 5,000. */
  readonly checkEveryMs: number;
}

export const DEFAULT_OVERFLOW: OverflowLimits = {
  maxUnsentBytes: 1024 ** 3,
  minFreeBytes: 256 * 1024 ** 2,
  checkEveryMs: 5_000,
};

export interface Backlog {
  /** Raw bytes before it are on their way already, or dropped. */
  readonly rawOffset: number;
  /** Length of the raw file. */
  readonly rawLength: number;
  /** Room on its disk; undefined when that cannot be told. */
  readonly freeBytes: number | undefined;
}

/** The newest part is what people look for. */
const KEPT_TAIL_BYTES = 4 * 1024 ** 2;
/** On a full disk that others have filled, a log of this size is left alone. */
const SMALL_BYTES = 64 * 1024 ** 2;

/**
 * Whether to drop raw bytes that wait, and how far: everything from `rawOffset` to about the answer. What is masked
 * already stays, and so does the tail. Terraform goes on writing whatever we do; this is all that keeps its log from
 * filling the disk under the state.
 */
export function findOverflow(
  { rawOffset, rawLength, freeBytes }: Backlog,
  limits: Omit<OverflowLimits, 'checkEveryMs'>,
): number | undefined {
  const waiting = rawLength - rawOffset;
  const isTight = freeBytes !== undefined && freeBytes < limits.minFreeBytes && waiting > SMALL_BYTES;
  if (waiting <= limits.maxUnsentBytes && !isTight) return undefined;
  return Math.max(rawOffset, rawLength - KEPT_TAIL_BYTES);
}

export function dropNotice(bytes: number): string {
  return `\n[Groundcrew dropped ${bytes} bytes of output here: they could not be sent, and the disk was filling up.]\n`;
}
