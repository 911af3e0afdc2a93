import type { Phase, StreamEnd } from '@groundcrew/protocol';
import type { OutputReader, SensitiveValue } from '@groundcrew/terraform';

/** The log of one phase: what Terraform writes into the raw file, masked and sent. */
export interface PhaseLog {
  /** The raw file; Terraform and we append to it. */
  readonly path: string;
  /** What Terraform's output says so far. */
  readonly output: Pick<OutputReader, 'progress' | 'errors'>;
  /** Says something of our own, as a line of the log. */
  note(sentence: string): Promise<void>;
  /** Nothing will follow; gives length and checksum of the masked whole, whose raw file is on disk then. */
  end(): Promise<StreamEnd>;
  /** Resolves when the server has everything that is there. */
  delivered(): Promise<void>;
}

/** The attempt's logs, with the secrets they share. */
export interface AttemptLog {
  /** Has a phase's log ready, so that opening it takes no time. */
  prepare(phase: Phase): void;
  /** Opens a phase's log; the same one when it is open already. `total` is the number of operations of the plan being applied. */
  open(phase: Phase, total?: number): Promise<PhaseLog>;
  /** The phases that have a log so far, an earlier runner's included. */
  opened(): Promise<PhaseLog[]>;
  /** From now on these are masked too; resolves when nothing that is written later can show them. */
  learn(secrets: readonly SensitiveValue[]): Promise<void>;
  /** The same for what a state on disk marks as sensitive. */
  learnState(path: string): Promise<void>;
  /** Names of the secrets known so far that are too short to be masked. */
  unmaskable(): readonly string[];
  /** A text of ours, masked like the log. */
  mask(text: string): string;
  /** The server was just heard of: pauses end. */
  nudge(): void;
  close(): Promise<void>;
}
