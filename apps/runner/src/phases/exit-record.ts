import type { FinishRequest, Progress, StateMark, StreamEnd } from '@groundcrew/protocol';
import type { SpooledState } from '../relay/index.ts';
import type { FinishOutcome } from './outcome.ts';

export interface ExitFacts {
  logs: StreamEnd[];
  /** The last state that Terraform wrote, whether or not the server has it. */
  lastState: SpooledState | undefined;
  /** Takes secrets out of a text. */
  mask: (text: string) => string;
  seconds: number;
  progress?: Progress | undefined;
}

/** The exit record of an attempt. */
export function exitRecord(
  outcome: FinishOutcome,
  { logs, lastState, mask, seconds, progress }: ExitFacts,
): FinishRequest {
  return {
    result: outcome.result,
    failed_at: outcome.failedAt,
    exit_code: outcome.exitCode,
    signal: outcome.signal,
    error_message: outcome.message === null ? null : mask(outcome.message).slice(0, MAX_MESSAGE),
    logs,
    plan_checksum: outcome.planChecksum,
    last_state: lastState === undefined ? null : markOf(lastState),
    unrecorded: outcome.unrecorded,
    timed_out: outcome.timedOut,
    duration: seconds,
    ...(progress === undefined ? {} : { progress }),
  };
}

const MAX_MESSAGE = 20_000;

/** Null for bytes without lineage and serial: nothing could be compared with them. */
const markOf = ({ name, checksum }: SpooledState): StateMark | null =>
  name === undefined ? null : { ...name, checksum };
