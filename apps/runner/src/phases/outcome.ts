import type { FinishRequest } from '@groundcrew/protocol';

/** What the phases come to, before logs and states are measured. */
export type Outcome = FinishOutcome | GivenBack;

export interface FinishOutcome {
  kind: 'finish';
  result: FinishRequest['result'];
  failedAt: FinishRequest['failed_at'];
  exitCode: number | null;
  signal: string | null;
  /** A sentence, or Terraform's own words. */
  message: string | null;
  timedOut: boolean;
  planChecksum: string | null;
  /** Resources seen finished that the last state does not hold. */
  unrecorded: FinishRequest['unrecorded'];
}

/** The host's own, passing trouble, or what only this agent may not do; the task is queued again. */
export interface GivenBack {
  kind: 'give_back';
  reason: string;
  /** What the configuration turned out to use, so that it is offered only to who may use that. */
  providers?: readonly string[];
}

/** The host cannot do it now, for a reason that passes or that another host does not have. The message is a sentence. */
export class PassingTrouble extends Error {
  override name = 'PassingTrouble';
}

const NOTHING = {
  failedAt: null,
  exitCode: null,
  signal: null,
  message: null,
  timedOut: false,
  planChecksum: null,
  unrecorded: [],
};

export const finished = (result: FinishRequest['result'], more: Partial<FinishOutcome> = {}): FinishOutcome => ({
  kind: 'finish',
  result,
  ...NOTHING,
  ...more,
});
