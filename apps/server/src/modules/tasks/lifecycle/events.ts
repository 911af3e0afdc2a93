import type {
  Action,
  AgentId,
  AttemptId,
  CancelLevel,
  Permit,
  PermitRefusal,
  Phase,
  Stage,
  StateMark,
  StateStanding,
  StateVersionId,
  Verdict,
} from '@groundcrew/protocol';
import type { Actor, ExitRecord, StateRef } from './aggregate.ts';

/** Nothing to tell beyond that it was done. */
export interface Done {
  readonly kind: 'done';
}

export interface Offer {
  readonly kind: 'offer';
  readonly attemptId: AttemptId;
  readonly epoch: number;
  readonly action: Action;
}

/** The answer to `accept`, the same each time. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly attemptId: AttemptId;
  readonly epoch: number;
  readonly action: Action;
  readonly leaseMs: number;
  readonly cancelLevel: CancelLevel;
}

/** What the server wants of an attempt. `fenced` comes as a refusal, with the present state. */
export interface Renewed {
  readonly kind: 'renewed';
  readonly verdict: Verdict;
  readonly cancelLevel: CancelLevel;
  readonly leaseMs: number;
  readonly renewEveryMs: number;
}

/** Whether the runner asks for the permit next (`proceed`) or finishes. */
export interface PlanTaken {
  readonly kind: 'plan_taken';
  readonly approved: boolean;
  readonly proceed: boolean;
}

/** A refused permit ends the attempt, so unlike a refusal it has to be committed before it is answered. */
export type PermitAnswer =
  | { readonly kind: 'permit'; readonly granted: true; readonly permit: Permit; readonly epoch: number }
  | { readonly kind: 'permit'; readonly granted: false; readonly why: PermitRefused; readonly sentence: string };
/** The closed list of why a permit is not given. */
export type PermitRefused = (typeof PermitRefusal)['_output']['reason'];

/** What became of a state. Quarantined is answered as a conflict, but only once it is committed: it may be the only record of real things. */
export interface StateTaken {
  readonly kind: 'state';
  readonly id: StateVersionId;
  readonly standing: StateStanding;
  /** True when this content had been stored before; nothing new is stored then. */
  readonly again: boolean;
  readonly sentence: string;
}

/** `confirmed` once the attempt has ended and everything its exit record names is here: the folder may go. */
export interface FinishTaken {
  readonly kind: 'finished';
  readonly confirmed: boolean;
}

/** What an attempt's own side does while the attempt lives; refused with `fenced` once it has ended. */
export interface ActBodies {
  /** The agent takes the offer and names the hash of the secret it made. */
  accept: { body: { readonly secretHash: string }; answer: Accepted };
  reject: { body: { readonly reason: string }; answer: Done };
  renew: { body: { readonly stage: Stage | null }; answer: Renewed };
  stage: { body: { readonly stage: Stage }; answer: Done };
  /** The runner hands the attempt back for a passing reason: disk, download, own trouble. */
  return: { body: { readonly reason: string }; answer: Done };
  /** Both the plan file and its report are stored. */
  plan_stored: {
    body: { readonly checksum: string; readonly madeFrom: StateRef | null; readonly hasChanges: boolean };
    answer: PlanTaken;
  };
  /** `agentRevoked`: read in the same transaction, so that a revocation cannot slip in between. */
  permit_asked: {
    body: { readonly nonce: string; readonly planChecksum: string; readonly agentRevoked: boolean };
    answer: PermitAnswer;
  };
  /** Terraform's LOCK, passed on by the relay of an apply. */
  lock_arrived: { body: { readonly nonce: string; readonly lockId: string }; answer: Done };
}

/** What is taken from an attempt at any time, ended or not. */
export interface DeliverBodies {
  /** The exit record; `logsIn` are the phases whose stored log is already exactly as the record names it. */
  finish: { body: { readonly record: ExitRecord; readonly logsIn: readonly Phase[] }; answer: FinishTaken };
  /** A log came to be exactly as the exit record names it. */
  log_in: { body: { readonly phase: Phase }; answer: Done };
  /** A state written by Terraform. `id` is for the version that storing it makes. */
  state_posted: { body: { readonly id: StateVersionId; readonly mark: StateMark }; answer: StateTaken };
  /** Proof of death without exit record: a report from the attempt's own folder with its own secret, or a pod seen terminated. */
  died: { body: { readonly proof: 'folder' | 'pod' }; answer: Done };
  /** Proof that Terraform was never started (for an apply: that its apply was not). */
  never_started: { body: object; answer: Done };
}

/** What people, the dispatcher and the sweeper ask of a task and its open attempt. */
export interface OrderBodies {
  /** `firstInOrder`: no older task that may apply waits on this workspace; always true for a plan. */
  assign: {
    body: { readonly attemptId: AttemptId; readonly agentId: AgentId; readonly firstInOrder: boolean };
    answer: Offer;
  };
  mark_sent: { body: object; answer: Done };
  approve: { body: { readonly planChecksum: string; readonly by: Actor }; answer: Done };
  discard: { body: { readonly by: Actor }; answer: Done };
  cancel: {
    body: { readonly level: Exclude<CancelLevel, 0>; readonly force: boolean; readonly by: Actor };
    answer: Done;
  };
  /** `confirmed`: the person typed the workspace's name. */
  close: { body: { readonly by: Actor; readonly confirmed: boolean; readonly reason: string }; answer: Done };
  /** The agent or its token was revoked. */
  agent_revoked: { body: object; answer: Done };
  /** Applies whatever deadline has passed. */
  tick: { body: object; answer: Done };
  /** The database was restored, or its identity changed: what it says may be older than what is true. */
  restored: { body: object; answer: Done };
  /** For the holder: the workspace's state is another one now. */
  state_moved_on: { body: object; answer: Done };
  /** For the holder: a state was quarantined on its workspace. */
  quarantine_arrived: { body: object; answer: Done };
}

/** What concerns the workspace alone, whatever its tasks do. */
interface WorkspaceBodies {
  /** `lockId` when a user's own Terraform sent its LOCK. */
  lock: { body: { readonly by: Actor; readonly reason: string; readonly lockId: string | null }; answer: Done };
  /** `acknowledged`: the warning of an attempt not proven dead was shown and accepted. */
  unlock: {
    body: { readonly by: Actor; readonly lockId: string | null; readonly acknowledged: boolean };
    answer: Done;
  };
  /**
   * A state written by anybody but an attempt. `accept` takes over the quarantined version `quarantined`, and decides against
   * those in `discarded` with it; `newLineage` was asked for expressly.
   */
  write_state: {
    body: {
      readonly how: 'push' | 'rollback' | 'accept';
      readonly by: Actor;
      readonly id: StateVersionId;
      readonly mark: StateMark;
      readonly newLineage: boolean;
      readonly quarantined: StateVersionId | null;
      readonly discarded?: readonly StateVersionId[];
    };
    answer: StateTaken;
  };
  /** A person decides against a quarantined state; its content is kept. */
  discard_quarantined: { body: { readonly id: StateVersionId }; answer: Done };
}

type TaskBodies = ActBodies & DeliverBodies & OrderBodies;
export type TaskEventKind = keyof TaskBodies;
export type WorkspaceEventKind = keyof WorkspaceBodies;

/** One thing that happens to a task, told apart by `kind`. */
export type TaskEvent<K extends TaskEventKind = TaskEventKind> = {
  [P in K]: { readonly kind: P } & TaskBodies[P]['body'];
}[K];
/** One thing that happens to a workspace as such. */
export type WorkspaceEvent<K extends WorkspaceEventKind = WorkspaceEventKind> = {
  [P in K]: { readonly kind: P } & WorkspaceBodies[P]['body'];
}[K];

/** What an event of this kind is answered with. */
export type AnswerTo<K extends TaskEventKind | WorkspaceEventKind> = K extends TaskEventKind
  ? TaskBodies[K]['answer']
  : K extends WorkspaceEventKind
    ? WorkspaceBodies[K]['answer']
    : never;
