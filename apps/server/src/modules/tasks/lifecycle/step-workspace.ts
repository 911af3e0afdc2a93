import type { TaskId } from '@groundcrew/protocol';
import type { Workspace } from './aggregate.ts';
import { type Context, presentOf, type Refusal, type RefusalCode } from './change.ts';
import type { Effect } from './effects.ts';
import type { AnswerTo, StateTaken, WorkspaceEvent, WorkspaceEventKind } from './events.ts';

/** As a decision about a task, for a workspace as such. */
export interface WorkspaceDecision<A> {
  readonly refused: false;
  readonly workspace: Workspace;
  readonly effects: readonly Effect[];
  readonly answer: A;
}

export type WorkspaceHandler<K extends WorkspaceEventKind> = (
  workspace: Workspace,
  event: WorkspaceEvent<K>,
  context: Context,
) => WorkspaceDecision<AnswerTo<K>> | Refusal;

const refuse = (workspace: Workspace, code: RefusalCode, sentence: string): Refusal => ({
  refused: true,
  code,
  sentence,
  present: presentOf(workspace),
});
const done = (workspace: Workspace, ...effects: Effect[]): WorkspaceDecision<{ kind: 'done' }> => ({
  refused: false,
  workspace,
  effects,
  answer: { kind: 'done' },
});
const ownerOf = ({ lock }: Workspace): string => (lock?.by.kind === 'person' ? lock.by.name : 'the server');
const isSame = (workspace: Workspace, event: WorkspaceEvent<'lock' | 'write_state'>): boolean =>
  workspace.lock?.by.kind === 'person' && event.by.kind === 'person' && workspace.lock.by.id === event.by.id;

/** A person's lock, or the LOCK of a user's own Terraform; the latter would begin to change things, so not beside a permit. */
export const lock: WorkspaceHandler<'lock'> = (workspace, event, { now }) => {
  const { by, reason, lockId } = event;
  if (workspace.lock) {
    const again = isSame(workspace, event) && workspace.lock.lockId === lockId;
    return again
      ? done(workspace)
      : refuse(workspace, 'locked', `The workspace is locked by ${ownerOf(workspace)}: ${workspace.lock.reason}`);
  }
  if (lockId !== null && workspace.permit)
    return refuse(workspace, 'held', 'An apply holds the workspace; wait until it has ended.');
  return done({ ...workspace, lock: { by, at: now, reason, lockId } });
};

/** Opens the lock, warning once more of attempts that are not proven dead. Terraform's UNLOCK opens only its own LOCK. */
export const unlock: WorkspaceHandler<'unlock'> = (workspace, { lockId, acknowledged }) => {
  if (!workspace.lock) return done(workspace);
  if (lockId !== null && workspace.lock.lockId !== lockId)
    return refuse(workspace, 'locked', `The workspace is locked by ${ownerOf(workspace)}, not by this Terraform.`);
  const [mark] = workspace.marks;
  if (mark && !acknowledged)
    return refuse(
      workspace,
      'unconfirmed',
      `Terraform of attempt ${mark.attemptNumber} (task ${mark.taskId}) may still be changing things; unlock again with that acknowledged.`,
    );
  return done({ ...workspace, lock: null }, { kind: 'wake_dispatcher' });
};

/** A state written by a person: push, rollback, or a quarantined one taken over. Refused while an apply has its permit, even to the lock's owner. */
export const writeState: WorkspaceHandler<'write_state'> = (workspace, event) => {
  const { id, mark, quarantined } = event;
  const refusal = findObstacle(workspace, event);
  if (refusal) return refusal;
  const sentence = `State serial ${mark.serial} is current (${event.how}).`;
  const effects: Effect[] = [{ kind: 'store_state', id, standing: 'current', sentence }];
  const discarded = workspace.undecided.filter((other) => other !== quarantined && event.discarded?.includes(other));
  if (quarantined) effects.push({ kind: 'decide_quarantined', id: quarantined, accepted: true });
  for (const other of discarded) effects.push({ kind: 'decide_quarantined', id: other, accepted: false });
  if (workspace.hold) effects.push(tellHolder(workspace.hold));
  const undecided = workspace.undecided.filter((other) => other !== quarantined && !discarded.includes(other));
  const answer: StateTaken = { kind: 'state', id, standing: 'current', again: false, sentence };
  return { refused: false, workspace: { ...workspace, state: { id, ...mark }, undecided }, effects, answer };
};

const tellHolder = (taskId: TaskId): Effect => ({ kind: 'tell_holder', taskId, event: { kind: 'state_moved_on' } });

function findObstacle(workspace: Workspace, event: WorkspaceEvent<'write_state'>): Refusal | undefined {
  const { state, lock } = workspace;
  const { mark, quarantined } = event;
  if (workspace.permit)
    return refuse(
      workspace,
      'held',
      'An apply holds the workspace; its state cannot be written until the apply has ended.',
    );
  if (lock && !isSame(workspace, event))
    return refuse(workspace, 'locked', `The workspace is locked by ${ownerOf(workspace)}: ${lock.reason}`);
  if (event.how === 'accept' && (!quarantined || !workspace.undecided.includes(quarantined)))
    return refuse(workspace, 'not_found', 'There is no such state to decide about.');
  if (state && state.lineage !== mark.lineage && !event.newLineage)
    return refuse(workspace, 'illegal', 'The state belongs to another lineage; force it if that is what you want.');
  if (state && state.lineage === mark.lineage && mark.serial <= state.serial)
    return refuse(
      workspace,
      'illegal',
      `The state's serial ${mark.serial} does not follow the present serial ${state.serial}.`,
    );
  return undefined;
}

/** A person decides against a quarantined state. Decided twice is decided. */
export const discardQuarantined: WorkspaceHandler<'discard_quarantined'> = (workspace, { id }) => {
  if (!workspace.undecided.includes(id)) return done(workspace);
  const undecided = workspace.undecided.filter((other) => other !== id);
  return done({ ...workspace, undecided }, { kind: 'decide_quarantined', id, accepted: false });
};
