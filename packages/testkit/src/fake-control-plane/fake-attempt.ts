import { createHash } from 'node:crypto';
import type {
  CancelLevel,
  ErrorCode,
  FinishAnswer,
  FinishRequest,
  Permit,
  Phase,
  PlanReport,
  RenewRequest,
  TaskData,
} from '@groundcrew/protocol';

/** A state that arrived. */
export interface ArrivedState {
  bytes: Buffer;
  checksum: string;
  lineage: string | undefined;
  serial: number | undefined;
  standing: 'current' | 'quarantined';
}

/** One attempt as the server knows it: what it was given, what it has said, and what a test wants of it. */
export interface FakeAttempt {
  readonly data: TaskData;
  /** The configuration's `.tar.gz`. */
  readonly archive: Buffer | undefined;
  /** The stored plan bundle that an attempt of action `apply` is given. */
  readonly givenPlan: Buffer | undefined;
  /** The workspace's state. */
  current: Buffer | undefined;
  cancelLevel: CancelLevel;
  /** It has lost its right to act. */
  fenced: boolean;
  watched: boolean;
  renewAfterSeconds: number;
  /** Whether a plan with changes goes on to be applied by the same attempt. */
  proceeds: boolean;
  permitRefusal: 'cancelled' | 'locked' | 'stale' | 'not_approved' | 'held' | 'revoked' | undefined;

  renewals: RenewRequest[];
  planBundle: Buffer | undefined;
  planReport: PlanReport | undefined;
  permit: Permit;
  nonces: string[];
  lockId: string | undefined;
  states: ArrivedState[];
  readonly logs: Record<Phase, Buffer>;
  finish: FinishRequest | undefined;
  returned: string | undefined;
  /** What it found its configuration to use. */
  providers: readonly string[] | undefined;
}

export interface AttemptGiven {
  data: TaskData;
  archive?: Buffer | undefined;
  givenPlan?: Buffer | undefined;
  current?: Buffer | undefined;
}

export const createFakeAttempt = ({ data, archive, givenPlan, current }: AttemptGiven): FakeAttempt => ({
  data,
  archive,
  givenPlan,
  current,
  cancelLevel: 0,
  fenced: false,
  watched: false,
  renewAfterSeconds: 15,
  proceeds: true,
  permitRefusal: undefined,
  renewals: [],
  planBundle: undefined,
  planReport: undefined,
  permit: 'none',
  nonces: [],
  lockId: undefined,
  states: [],
  logs: { plan: Buffer.alloc(0), apply: Buffer.alloc(0) },
  finish: undefined,
  returned: undefined,
  providers: undefined,
});

/** An answer that is no success. */
export class Refused extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  constructor(code: ErrorCode, sentence: string, details?: unknown) {
    super(sentence);
    this.code = code;
    this.details = details;
  }
}

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

/** Refuses what only an attempt with its rights may do. */
export function mustAct(attempt: FakeAttempt): void {
  if (attempt.fenced || attempt.returned !== undefined) throw new Refused('fenced', 'The attempt has ended.');
}

/** Appends at an offset as the server does: an overlap must be the same bytes, a gap is refused. */
export function appendLog(attempt: FakeAttempt, phase: Phase, offset: number, chunk: Buffer): number {
  const stored = attempt.logs[phase];
  const overlap = stored.subarray(offset, offset + chunk.length);
  if (offset > stored.length || !overlap.equals(chunk.subarray(0, overlap.length)))
    throw new Refused('offset_mismatch', 'The log does not go on there.', { next_offset: stored.length });
  attempt.logs[phase] = Buffer.concat([stored, chunk.subarray(overlap.length)]);
  return chunk.length - overlap.length;
}

/** Takes a state; only from an attempt that holds a permit it becomes current. */
export function takeState(attempt: FakeAttempt, state: Omit<ArrivedState, 'standing'>): ArrivedState {
  const known = attempt.states.find(({ checksum }) => checksum === state.checksum);
  if (known !== undefined) return known;
  const standing = attempt.fenced || attempt.permit !== 'used' ? 'quarantined' : 'current';
  const arrived: ArrivedState = { ...state, standing };
  attempt.states.push(arrived);
  if (standing === 'current') attempt.current = state.bytes;
  return arrived;
}

/** The exit record: taken once, and confirmed when everything it names is here. */
export function takeFinish(attempt: FakeAttempt, record: FinishRequest): FinishAnswer {
  if (record.result === 'never_started' && attempt.permit === 'used')
    throw new Refused('conflict', 'Terraform took its state lock, so it was started.');
  if (attempt.finish !== undefined && JSON.stringify(attempt.finish) !== JSON.stringify(record))
    throw new Refused('conflict', 'There is another exit record already.');
  attempt.finish = record;
  if (record.result === 'interrupted' || record.result === 'never_started') return { confirmed: true, missing: [] };
  const missing = listMissing(attempt, record);
  return { confirmed: missing.length === 0, missing };
}

function listMissing(
  attempt: FakeAttempt,
  { logs, plan_checksum, last_state }: FinishRequest,
): FinishAnswer['missing'] {
  const missing: FinishAnswer['missing'] = [];
  for (const { phase, length, checksum } of logs) {
    const stored = attempt.logs[phase];
    if (stored.length !== length || sha256(stored) !== checksum)
      missing.push(phase === 'plan' ? 'plan_log' : 'apply_log');
  }
  if (plan_checksum !== null && attempt.planReport?.plan_checksum !== plan_checksum) missing.push('plan_file');
  if (last_state !== null && !attempt.states.some(({ checksum }) => checksum === last_state.checksum))
    missing.push('state');
  return missing;
}
