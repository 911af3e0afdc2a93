import type { Clock, Logger, Random } from '@groundcrew/kit';
import type { Phase } from '@groundcrew/protocol';
import type { CreateCutter, Secret } from '../mask/index.ts';
import type { OverflowLimits } from './overflow.ts';
import type { Pace } from './pace.ts';
import type { AppendLog, CreateTap } from './ports.ts';

/** What one phase's log is opened with. */
export interface LogStreamOptions {
  readonly phase: Phase;
  /** The file that Terraform's output is appended to. It may come into being later; it must never shrink. */
  readonly rawPath: string;
  /** A folder of this stream's own, made (0700) when missing. A successor is given the same one. */
  readonly folder: string;
  /** Masked from the first byte on. For a successor its journal counts, and what is new in here from now on. */
  readonly secrets: readonly Secret[];
  readonly append: AppendLog;
  /** Reads along, unmasked; nobody by default. */
  readonly createTap?: CreateTap;
  /** Takes things out that must not stand in a log; nothing by default. */
  readonly createCutter?: CreateCutter;
  /** Whether there is a use for the stream when the machine has died; true by default. */
  readonly isDurable?: boolean;
  readonly pace?: Partial<Pace>;
  /** Whether chunks are compressed; true by default. A server on the same host is better off without. */
  readonly compress?: boolean;
  readonly limits?: Partial<OverflowLimits>;
  /** The server has taken a chunk: the place to `wake()` other streams. */
  readonly onSuccess?: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
