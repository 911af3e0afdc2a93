import type { AttemptOutcome, Phase, ReasonCode, TaskStatus, TaskType } from '@groundcrew/protocol';
import type { Attempt, DecidedTask } from '../tasks/index.ts';

/** One phase of one attempt that is over. */
interface PhaseDone {
  readonly phase: Phase;
  readonly result: AttemptOutcome;
  readonly seconds: number;
}

/** What a decision about a task means to whoever counts. */
export interface Findings {
  /** From the task's creation to its first start. */
  readonly startSeconds: number | undefined;
  readonly phases: readonly PhaseDone[];
  readonly attemptEnded: AttemptOutcome | undefined;
  readonly taskEnded: { type: TaskType; status: TaskStatus; reason: ReasonCode | undefined } | undefined;
  readonly needsAttention: ReasonCode | undefined;
}

/** Reads what happened off the difference between before and after, so that a repeated message counts for nothing. */
export function readDecision({ before, after, createdAt }: DecidedTask): Findings {
  const [was, is] = [before.task, after.task];
  const reason = is.reason?.code;
  return {
    startSeconds:
      was.startedAt === null && is.startedAt !== null ? Math.max(0, is.startedAt - createdAt) / 1000 : undefined,
    phases: findPhases(before, after),
    attemptEnded: findEnded(before, after)?.outcome ?? undefined,
    taskEnded:
      was.completedAt === null && is.completedAt !== null ? { type: is.type, status: is.status, reason } : undefined,
    needsAttention: was.status !== 'needs_attention' && is.status === 'needs_attention' ? reason : undefined,
  };
}

type Sides = Pick<DecidedTask, 'before' | 'after'>;

/** The attempt, if this decision ended it. */
function findEnded(before: Sides['before'], after: Sides['after']): Attempt | undefined {
  const { attempt } = after;
  return attempt?.state === 'ended' && before.attempt?.id === attempt.id && before.attempt.state !== 'ended'
    ? attempt
    : undefined;
}

/** A plan is done when it is stored; whatever else an attempt did is done when it ends. */
function findPhases(before: Sides['before'], after: Sides['after']): PhaseDone[] {
  const [plan, ended] = [findStoredPlan(before, after), findEnded(before, after)];
  const last = ended && findLastPhase(before, ended);
  return [plan, last].filter((done) => done !== undefined);
}

function findStoredPlan(before: Sides['before'], { task, attempt }: Sides['after']): PhaseDone | undefined {
  const stored = task.plan;
  if (!stored || !attempt || stored.attemptId !== attempt.id || before.task.plan?.attemptId === attempt.id)
    return undefined;
  return phaseDone('plan', 'finished', attempt.acceptedAt, stored.storedAt);
}

function findLastPhase({ task, attempt: was }: Sides['before'], attempt: Attempt): PhaseDone | undefined {
  const { action, outcome, acceptedAt } = attempt;
  const until = attempt.exitedAt ?? attempt.endedAt;
  if (outcome === null || until === null) return undefined;
  if (action === 'apply') return phaseDone('apply', outcome, acceptedAt, until);
  const plannedAt = task.plan?.attemptId === attempt.id ? task.plan.storedAt : null;
  if (plannedAt === null) return phaseDone('plan', outcome, acceptedAt, until);
  return was?.permit === 'used' ? phaseDone('apply', outcome, plannedAt, until) : undefined;
}

/** An offer that was never accepted has no phase. */
const phaseDone = (phase: Phase, result: AttemptOutcome, from: number | null, until: number): PhaseDone | undefined =>
  from === null ? undefined : { phase, result, seconds: Math.max(0, until - from) / 1000 };
