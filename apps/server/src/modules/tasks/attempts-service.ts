import type {
  AcceptAnswer,
  AcceptRequest,
  AttemptId,
  PermitAnswer,
  PermitRequest,
  Phase,
  PlanReport,
  PlanReportAnswer,
  RenewAnswer,
  RenewRequest,
  ReturnRequest,
  StateLockAnswer,
  StateLockRequest,
  TaskId,
} from '@groundcrew/protocol';
import { sql } from 'kysely';
import type { BlobStore } from '../../platform/blobs/index.ts';
import { type Database, type Executor, named } from '../../platform/database/index.ts';
import { AppError } from '../../platform/http/index.ts';
import type { IncomingChunk, LogsService } from '../logs/index.ts';
import type { Loaded } from './aggregate-rows.ts';
import { type AttemptData, readAttemptData } from './attempt-data.ts';
import { createFinish } from './attempt-finish.ts';
import * as attempts from './attempt-store.ts';
import type { Decider } from './decide.ts';
import * as planFiles from './plan-file-store.ts';
import { toStorable } from './storable.ts';
import { savePlanDetails } from './store.ts';

export interface AttemptsDeps {
  db: Database;
  blobs: BlobStore;
  decider: Decider;
  logs: LogsService;
  openVariable: (organizationId: string, variableId: string, sealed: Buffer) => Promise<string>;
  /** Milliseconds between log sends that the server would like, and whether somebody watches. */
  watch: { intervalMs: (taskId: TaskId) => number; isWatched: (taskId: TaskId) => boolean };
  /** True once the agent or the token it signed on with was revoked. */
  isAgentRevoked: (tx: Executor, agentId: string) => Promise<boolean>;
  wakeTask: (taskId: TaskId) => void;
}

/** What an attempt asks and reports. Who is who was settled before; whether it may is settled by the life cycle. */
export function createAttemptsService(deps: AttemptsDeps) {
  const { db, decider, logs, blobs } = deps;
  /** Accepts that are being decided here, by the hash of the secret that each brings. */
  const arriving = new Map<string, Promise<unknown>>();

  /** Takes an offer; the agent must be the one it was made to. */
  async function accept(agentId: string, taskId: TaskId, request: AcceptRequest): Promise<AcceptAnswer> {
    const deciding = decider.decide(
      taskId,
      { kind: 'accept', secretHash: request.secret_hash },
      { attemptId: request.attempt_id, prepare: mustBeAgents(agentId), also: goodCall(agentId) },
    );
    const answer = await announce(request.secret_hash, deciding);
    return {
      attempt_id: answer.attemptId,
      epoch: answer.epoch,
      lease_seconds: answer.leaseMs / 1000,
      cancel_level: answer.cancelLevel,
    };
  }

  async function announce<T>(secretHash: string, deciding: Promise<T>): Promise<T> {
    arriving.set(secretHash, deciding);
    try {
      return await deciding;
    } finally {
      if (arriving.get(secretHash) === deciding) arriving.delete(secretHash);
    }
  }

  /** Whose secret this is. A runner asks for its data while its agent accepts, and may be a moment too early. */
  async function findBySecret(secretHash: string): Promise<attempts.AttemptIdentity | undefined> {
    await arriving.get(secretHash)?.catch(() => {});
    return attempts.findAttemptBySecret(db, secretHash);
  }

  async function reject(agentId: string, taskId: TaskId, attemptId: AttemptId, reason: string): Promise<void> {
    await decider.decide(
      taskId,
      { kind: 'reject', reason },
      { attemptId, prepare: mustBeAgents(agentId), also: goodCall(agentId) },
    );
  }

  const mustBeAgents =
    (agentId: string) =>
    async (_tx: Executor, { aggregate }: Loaded): Promise<undefined> => {
      if (aggregate.attempt?.agentId !== agentId)
        throw new AppError('not_found', 'There is no such offer to this agent.');
    };

  /** An agent that answers is not suspect any more. */
  const goodCall = (agentId: string) => async (tx: Executor) => {
    await sql`${named('forgive_silence')} UPDATE agents SET silent_offers = 0 WHERE id = ${agentId} AND silent_offers > 0`.execute(
      tx,
    );
  };

  /** For what is read or kept without a decision: refused once the attempt has ended, like everything that acts. */
  async function demandActing(attempt: attempts.AttemptIdentity): Promise<attempts.ActingAttempt> {
    const acting = await attempts.findActing(db, attempt.attemptId);
    if (acting === undefined) throw new AppError('not_found', `There is no attempt ${attempt.attemptId}.`);
    if (acting.state !== 'ended') return acting;
    throw new AppError(
      'fenced',
      `Attempt ${acting.number} has ended (${acting.outcome}) and may no longer act; deliver what is left and stop.`,
      { reason: 'fenced', present: { attempt: acting } },
    );
  }

  async function renew(attempt: attempts.AttemptIdentity, request: RenewRequest): Promise<RenewAnswer> {
    const answer = await decider.decide(
      attempt.taskId,
      { kind: 'renew', stage: request.stage ?? null },
      { attemptId: attempt.attemptId },
    );
    await attempts.saveProgress(db, attempt.taskId, attempt.attemptId, toStorable(request));
    if (request.progress !== undefined || request.stage !== undefined) deps.wakeTask(attempt.taskId);
    return {
      verdict: answer.verdict,
      lease_seconds: answer.leaseMs / 1000,
      renew_after_seconds: answer.renewEveryMs / 1000,
      cancel_level: answer.cancelLevel,
      log_interval_ms: deps.watch.intervalMs(attempt.taskId),
      watched: deps.watch.isWatched(attempt.taskId),
    };
  }

  /** Stores the plan bundle, once per attempt: the same bytes again are no news, others are refused. */
  async function putPlanFile(
    attempt: attempts.AttemptIdentity,
    bytes: AsyncIterable<Buffer> | Buffer,
    bundleChecksum: string,
    planChecksum: string,
  ): Promise<void> {
    await demandActing(attempt);
    const known = await planFiles.findPlanFile(db, attempt.attemptId);
    if (known !== undefined) return refuseOtherPlan(known, bundleChecksum);
    const blob = await blobs.put(
      db,
      { organizationId: attempt.organizationId, purpose: 'plan', subjectId: attempt.attemptId },
      bytes,
      { maxBytes: planFiles.MAX_BYTES, expectedSha256: bundleChecksum },
    );
    const stored = await planFiles.insertPlanFile(db, {
      attempt_id: attempt.attemptId,
      organization_id: attempt.organizationId,
      blob_id: blob.blobId,
      bundle_checksum: bundleChecksum,
      plan_checksum: planChecksum,
      size: blob.size,
    });
    if (stored) return;
    await blobs.remove(db, blob.blobId);
    const first = await planFiles.findPlanFile(db, attempt.attemptId);
    if (first !== undefined) refuseOtherPlan(first, bundleChecksum);
  }

  function refuseOtherPlan(known: planFiles.PlanFile, bundleChecksum: string): void {
    if (known.bundle_checksum !== bundleChecksum)
      throw new AppError(
        'conflict',
        'This attempt has stored another plan already; a plan is written once per attempt.',
      );
  }

  /** The plan's report: its file must be here first, because an approval binds to what is stored. */
  async function reportPlan(attempt: attempts.AttemptIdentity, report: PlanReport): Promise<PlanReportAnswer> {
    const { details, plan_checksum: checksum, lineage, serial } = report;
    const madeFrom = lineage === null ? null : { lineage, serial: serial ?? 0 };
    const answer = await decider.decide(
      attempt.taskId,
      { kind: 'plan_stored', checksum, madeFrom, hasChanges: details.has_changes },
      {
        attemptId: attempt.attemptId,
        prepare: async (tx) => {
          const file = await planFiles.findPlanFile(tx, attempt.attemptId);
          if (file?.plan_checksum !== checksum)
            throw new AppError('conflict', 'The plan file that this report names has not been stored; send it first.');
          return undefined;
        },
        also: (tx) => savePlanDetails(tx, attempt.taskId, toStorable(details)),
      },
    );
    return { approved: answer.approved, has_changes: details.has_changes, proceed: answer.proceed };
  }

  /** A refused permit ends the attempt, so it is answered only once that is committed. */
  async function askPermit(attempt: attempts.AttemptIdentity, request: PermitRequest): Promise<PermitAnswer> {
    const answer = await decider.decide(
      attempt.taskId,
      { kind: 'permit_asked', nonce: request.nonce, planChecksum: request.plan_checksum, agentRevoked: false },
      {
        attemptId: attempt.attemptId,
        prepare: async (tx) => ({ agentRevoked: await deps.isAgentRevoked(tx, attempt.agentId) }),
      },
    );
    if (!answer.granted) throw new AppError('permit_refused', answer.sentence, { reason: answer.why });
    return { permit: answer.permit, epoch: answer.epoch };
  }

  async function lockState(attempt: attempts.AttemptIdentity, request: StateLockRequest): Promise<StateLockAnswer> {
    await decider.decide(
      attempt.taskId,
      { kind: 'lock_arrived', nonce: request.nonce, lockId: request.lock_id },
      { attemptId: attempt.attemptId },
    );
    return { permit: 'used' };
  }

  /** Appends to the log; its end may come after the exit record and be the last thing that was waited for. */
  async function appendLog(attempt: attempts.AttemptIdentity, phase: Phase, chunk: IncomingChunk) {
    const { complete, ...appended } = await logs.append(attempt, phase, chunk);
    if (complete) await decider.decide(attempt.taskId, { kind: 'log_in', phase }, { attemptId: attempt.attemptId });
    return appended;
  }

  return {
    accept,
    reject,
    renew,
    putPlanFile,
    reportPlan,
    askPermit,
    lockState,
    appendLog,
    finish: createFinish(deps),
    demandActing,
    /** Only for an attempt that may act, which the caller has made sure of. */
    readData: (attempt: attempts.AttemptIdentity): Promise<AttemptData> =>
      readAttemptData({ db, openVariable: deps.openVariable }, attempt),
    /** With what the configuration was found to use in the same transaction: else the next pass could ask the same agent again. */
    giveBack: ({ taskId, attemptId }: attempts.AttemptIdentity, { reason, providers }: ReturnRequest) =>
      decider.decide(
        taskId,
        { kind: 'return', reason },
        { attemptId, ...(providers && { also: (tx) => attempts.saveProviders(tx, taskId, toStorable(providers)) }) },
      ),
    async stage(attempt: attempts.AttemptIdentity, stage: NonNullable<RenewRequest['stage']>): Promise<void> {
      await decider.decide(attempt.taskId, { kind: 'stage', stage }, { attemptId: attempt.attemptId });
      deps.wakeTask(attempt.taskId);
    },
    saveCounts: (attempt: attempts.AttemptIdentity, counts: attempts.ReportedCounts) =>
      attempts.saveCounts(db, attempt.taskId, attempt.attemptId, counts),
    findPlanFile: (attemptId: AttemptId) => planFiles.findPlanFile(db, attemptId),
    findBySecret,
  };
}
export type AttemptsService = ReturnType<typeof createAttemptsService>;
