import { newId, sha256Hex } from '@groundcrew/kit';
import type { FinishRequest, Phase, StateVersionId, TaskData } from '@groundcrew/protocol';
import type { Attempt } from '@groundcrew/server/lifecycle';
import { parseState } from '../terraform/plan-file.ts';
import type { World } from '../world.ts';
import type { Database } from './database.ts';
import { append, findStream, finishStream } from './logs.ts';
import { ServerRefusal } from './refusal.ts';
import type { Caller } from './tables.ts';
import { describeAttempt } from './task-data.ts';

/** A raw answer's bytes with what goes beside them. */
export interface RawReply {
  readonly raw: Buffer;
  readonly checksum: string;
}

export interface Request {
  readonly caller: Caller;
  readonly body: Record<string, never> & Record<string, unknown>;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: Buffer;
}

/** What an attempt says and asks: the server's routes over the simulated database, in the same order of steps. */
export function createAttemptHandlers(database: Database, world: World) {
  const { decide } = database;
  const rawReply = (raw: Buffer): RawReply => ({ raw, checksum: sha256Hex(raw) });

  function findAttempt({ taskId, attemptId }: Caller): Attempt {
    const found = database.fenceOf(taskId).attempts.find(({ id }) => id === attemptId);
    if (found === undefined) throw new ServerRefusal('not_found', `There is no attempt ${attemptId}.`);
    return found;
  }

  function demandActing(caller: Caller): Attempt {
    const attempt = findAttempt(caller);
    if (attempt.state !== 'ended') return attempt;
    throw new ServerRefusal('fenced', `Attempt ${attempt.number} has ended (${attempt.outcome}).`, {
      reason: 'fenced',
    });
  }

  function finishLogs({ attemptId }: Caller, { logs }: FinishRequest): Phase[] {
    return logs.filter((end) => finishStream(database.tables, attemptId, end)).map(({ phase }) => phase);
  }

  function finish(caller: Caller, request: FinishRequest): { confirmed: boolean; missing: string[] } {
    const { taskId, attemptId } = caller;
    if (request.result === 'never_started') {
      decide(taskId, { kind: 'never_started' }, attemptId);
      return { confirmed: true, missing: [] };
    }
    const named = request.unrecorded.map(({ address }) => address);
    if (named.length > 0) database.tables.unrecorded.set(attemptId, named);
    const logsIn = finishLogs(caller, request);
    if (request.result === 'interrupted') {
      decide(taskId, { kind: 'died', proof: 'folder' }, attemptId);
      const missing = listMissing(caller, request);
      return { confirmed: missing.length === 0, missing };
    }
    const { confirmed } = decide(taskId, { kind: 'finish', record: toRecord(request), logsIn }, attemptId);
    return { confirmed, missing: confirmed ? [] : listMissing(caller, request) };
  }

  function listMissing(caller: Caller, { logs, last_state }: FinishRequest): string[] {
    const missing = logs
      .filter(({ phase }) => !findStream(database.tables, caller.attemptId, phase).whole)
      .map(({ phase }) => `${phase}_log`);
    const { states } = findAttempt(caller);
    if (last_state !== null && !states.some(({ checksum }) => checksum === last_state.checksum)) missing.push('state');
    return missing;
  }

  function postState({ caller, headers, raw }: Request): unknown {
    if (sha256Hex(raw) !== headers['x-content-sha256'])
      throw new ServerRefusal('checksum_mismatch', 'The state arrived damaged; nothing was stored.');
    const id = newId('sv') as StateVersionId;
    const { lineage, serial } = readState(raw);
    database.keepState(id, raw);
    const mark = { lineage, serial, checksum: sha256Hex(raw) };
    const taken = decide(caller.taskId, { kind: 'state_posted', id, mark }, caller.attemptId);
    if (taken.standing === 'quarantined') throw new ServerRefusal('quarantined', taken.sentence);
    return { message: taken.sentence, version: 1, standing: taken.standing };
  }

  function appendLog({ caller, headers, raw }: Request): unknown {
    const phase = headers['x-log-phase'] as Phase;
    const chunk = {
      offset: Number(headers['x-log-offset']),
      checksum: headers['x-content-sha256'] ?? '',
      content: raw,
    };
    const { bytes, whole } = append(database.tables, world, [caller.attemptId, phase], chunk);
    if (whole) decide(caller.taskId, { kind: 'log_in', phase }, caller.attemptId);
    return { status: 'saved', next_offset: bytes.length, saved_bytes: raw.length, log_interval_ms: 1_000 };
  }

  function putPlanFile({ caller, headers, raw }: Request): void {
    demandActing(caller);
    const { planFiles } = database.tables;
    const [bundleChecksum, planChecksum] = [headers['x-content-sha256'] ?? '', headers['x-plan-sha256'] ?? ''];
    const known = planFiles.get(caller.attemptId);
    if (known !== undefined && known.bundleChecksum !== bundleChecksum)
      throw new ServerRefusal('conflict', 'This attempt has stored another plan already.');
    if (sha256Hex(raw) !== bundleChecksum) throw new ServerRefusal('checksum_mismatch', 'The plan arrived damaged.');
    planFiles.set(caller.attemptId, { attemptId: caller.attemptId, bundle: raw, bundleChecksum, planChecksum });
  }

  function reportPlan({ caller, body }: Request): unknown {
    const {
      details,
      plan_checksum: checksum,
      lineage,
      serial,
    } = body as unknown as {
      details: { has_changes: boolean };
      plan_checksum: string;
      lineage: string | null;
      serial: number | null;
    };
    if (database.tables.planFiles.get(caller.attemptId)?.planChecksum !== checksum)
      throw new ServerRefusal('conflict', 'The plan file that this report names has not been stored; send it first.');
    const madeFrom = lineage === null ? null : { lineage, serial: serial ?? 0 };
    const event = { kind: 'plan_stored', checksum, madeFrom, hasChanges: details.has_changes } as const;
    const { approved, proceed } = decide(caller.taskId, event, caller.attemptId);
    return { approved, has_changes: details.has_changes, proceed };
  }

  function askPermit({ caller, body }: Request): unknown {
    const { nonce, plan_checksum: planChecksum } = body as unknown as { nonce: string; plan_checksum: string };
    const event = { kind: 'permit_asked', nonce, planChecksum, agentRevoked: false } as const;
    const answer = decide(caller.taskId, event, caller.attemptId);
    if (!answer.granted) throw new ServerRefusal('permit_refused', answer.sentence, { reason: answer.why });
    return { permit: answer.permit, epoch: answer.epoch };
  }

  function lockState({ caller, body }: Request): unknown {
    const { nonce, lock_id: lockId } = body as unknown as { nonce: string; lock_id: string };
    if (!world.bugs.answersLockAlone) decide(caller.taskId, { kind: 'lock_arrived', nonce, lockId }, caller.attemptId);
    return { permit: 'used' };
  }

  function renew({ caller, body }: Request): unknown {
    const { stage } = body as { stage?: Parameters<typeof String>[0] };
    const event = { kind: 'renew', stage: (stage ?? null) as never } as const;
    const answer = decide(caller.taskId, event, caller.attemptId);
    return {
      verdict: answer.verdict,
      lease_seconds: answer.leaseMs / 1000,
      renew_after_seconds: answer.renewEveryMs / 1000,
      cancel_level: answer.cancelLevel,
      log_interval_ms: 1_000,
      watched: false,
    };
  }

  function getState({ caller }: Request): RawReply {
    demandActing(caller);
    const { state } = database.fenceOf(caller.taskId).workspace;
    const bytes = state === null ? undefined : database.tables.states.get(state.id);
    if (bytes === undefined) throw new ServerRefusal('not_found', 'The workspace has no state yet.');
    return rawReply(bytes);
  }

  function getPlanFile({ caller }: Request): RawReply {
    demandActing(caller);
    const planned = database.fenceOf(caller.taskId).tasks.find(({ id }) => id === caller.taskId)?.plan?.attemptId;
    const found = planned === undefined ? undefined : database.tables.planFiles.get(planned);
    if (found === undefined) throw new ServerRefusal('not_found', 'The task has no stored plan.');
    return rawReply(found.bundle);
  }

  return {
    getTaskData: ({ caller }: Request): TaskData => describeAttempt(database, caller, demandActing(caller)),
    getTaskState: getState,
    getTaskPlanFile: getPlanFile,
    renewAttempt: renew,
    returnAttempt: ({ caller, body }: Request) =>
      void decide(caller.taskId, { kind: 'return', reason: String(body.reason) }, caller.attemptId),
    putPlanFile,
    reportPlan,
    askPermit,
    lockState,
    postState,
    appendLog,
    finishAttempt: ({ caller, body }: Request) => finish(caller, body as unknown as FinishRequest),
  };
}

const toRecord = (request: FinishRequest) => ({
  exitCode: request.exit_code,
  signal: request.signal,
  failedAt: request.failed_at,
  timedOut: request.timed_out,
  logs: request.logs,
  planChecksum: request.plan_checksum,
  lastState: request.last_state,
});

function readState(raw: Buffer): { lineage: string; serial: number } {
  try {
    return parseState(raw);
  } catch {
    throw new ServerRefusal('invalid_state', 'The bytes are not a Terraform state.');
  }
}
