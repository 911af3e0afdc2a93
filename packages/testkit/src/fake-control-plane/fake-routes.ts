import { gunzipSync } from 'node:zlib';
import { LogChunkHeaders, PlanFileHeaders, type RouteName, StateHeaders } from '@groundcrew/protocol';
import { appendLog, type FakeAttempt, mustAct, Refused, sha256, takeFinish, takeState } from './fake-attempt.ts';

/** A call of an attempt, its JSON body already checked against the route's schema. */
export interface FakeCall {
  attempt: FakeAttempt;
  // biome-ignore lint/suspicious/noExplicitAny: the table below gives each its own
  body: any;
  raw: Buffer;
  headers: Record<string, unknown>;
}

/** JSON, raw bytes, or nothing. */
export type FakeAnswer = { json: unknown } | { raw: Buffer } | undefined;

/** The routes an attempt uses. */
export type FakeRouteName = Extract<
  RouteName,
  | 'getTaskData'
  | 'getTaskConfiguration'
  | 'getTaskPlanFile'
  | 'getTaskState'
  | 'renewAttempt'
  | 'returnAttempt'
  | 'putPlanFile'
  | 'reportPlan'
  | 'askPermit'
  | 'lockState'
  | 'postState'
  | 'appendLog'
  | 'finishAttempt'
>;

/** What the fake answers to each. */
export const FAKE_ROUTES: Record<FakeRouteName, (call: FakeCall) => FakeAnswer> = {
  getTaskData: ({ attempt }) =>
    acting(attempt, { ...attempt.data, attempt: { ...attempt.data.attempt, cancel_level: attempt.cancelLevel } }),
  getTaskConfiguration: ({ attempt }) => bytesOr404(attempt, attempt.archive),
  getTaskPlanFile: ({ attempt }) => bytesOr404(attempt, attempt.givenPlan),
  getTaskState: ({ attempt }) => bytesOr404(attempt, attempt.current),
  renewAttempt({ attempt, body }) {
    attempt.renewals.push(body);
    const verdict = attempt.fenced ? 'fenced' : 'go_on';
    const { cancelLevel: cancel_level, watched, renewAfterSeconds: renew_after_seconds } = attempt;
    return {
      json: {
        verdict,
        lease_seconds: 60,
        renew_after_seconds,
        cancel_level,
        log_interval_ms: watched ? 50 : 1000,
        watched,
      },
    };
  },
  returnAttempt({ attempt, body }) {
    mustAct(attempt);
    attempt.returned = body.reason;
    attempt.providers = body.providers;
    return undefined;
  },
  putPlanFile({ attempt, raw, headers }) {
    mustAct(attempt);
    mustMatch(raw, PlanFileHeaders.parse(headers)['x-content-sha256']);
    if (attempt.planBundle !== undefined && !attempt.planBundle.equals(raw))
      throw new Refused('conflict', 'A plan is written once per attempt.');
    attempt.planBundle = raw;
    return undefined;
  },
  reportPlan({ attempt, body }) {
    if (attempt.planBundle === undefined) throw new Refused('conflict', 'Send the plan file first.');
    attempt.planReport = body;
    const proceed = attempt.data.attempt.action === 'plan_apply' && attempt.proceeds && body.details.has_changes;
    return acting(attempt, { approved: proceed, has_changes: body.details.has_changes, proceed });
  },
  askPermit({ attempt, body }) {
    mustAct(attempt);
    if (!attempt.nonces.includes(body.nonce)) attempt.nonces.push(body.nonce);
    const reason = attempt.permitRefusal ?? (attempt.cancelLevel > 0 ? 'cancelled' : undefined);
    if (reason !== undefined && attempt.permit === 'none')
      throw new Refused('permit_refused', `No permit: ${reason}.`, { reason });
    if (attempt.nonces.length > 1) throw new Refused('fenced', 'The permit was given to another asker.');
    attempt.permit = attempt.permit === 'none' ? 'live' : attempt.permit;
    return { json: { permit: attempt.permit, epoch: attempt.data.attempt.epoch } };
  },
  lockState({ attempt, body }) {
    mustAct(attempt);
    if (!attempt.nonces.includes(body.nonce) || attempt.permit === 'none')
      throw new Refused('fenced', 'No permit to apply.');
    if (attempt.lockId !== undefined && attempt.lockId !== body.lock_id)
      throw new Refused('fenced', 'Another Terraform has the state lock.');
    attempt.permit = 'used';
    attempt.lockId = body.lock_id;
    return { json: { permit: 'used' } };
  },
  postState({ attempt, raw, headers }) {
    const parsed = StateHeaders.parse(headers);
    mustMatch(raw, parsed['x-content-sha256']);
    const state = {
      bytes: raw,
      checksum: parsed['x-content-sha256'],
      lineage: parsed['x-state-lineage'],
      serial: parsed['x-state-serial'],
    };
    const { standing } = takeState(attempt, state);
    if (standing === 'quarantined')
      throw new Refused('quarantined', 'The state was put into quarantine.', { standing });
    return { json: { message: 'stored', version: attempt.states.length, standing } };
  },
  appendLog({ attempt, raw, headers }) {
    const parsed = LogChunkHeaders.parse(headers);
    const chunk = headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    mustMatch(chunk, parsed['x-content-sha256']);
    const phase = parsed['x-log-phase'];
    const saved_bytes = appendLog(attempt, phase, parsed['x-log-offset'], chunk);
    return { json: { status: 'saved', next_offset: attempt.logs[phase].length, saved_bytes } };
  },
  finishAttempt: ({ attempt, body }) => ({ json: takeFinish(attempt, body) }),
};

function acting(attempt: FakeAttempt, json: unknown): FakeAnswer {
  mustAct(attempt);
  return { json };
}

function bytesOr404(attempt: FakeAttempt, raw: Buffer | undefined): FakeAnswer {
  mustAct(attempt);
  if (raw === undefined) throw new Refused('not_found', 'There is none.');
  return { raw };
}

function mustMatch(bytes: Buffer, checksum: string): void {
  if (sha256(bytes) !== checksum) throw new Refused('checksum_mismatch', 'The checksum does not match the bytes.');
}
