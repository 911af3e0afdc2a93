import type { AttemptId, StateMark, StateStanding, StateVersionId, TaskId, WorkspaceId } from '@groundcrew/protocol';
import type { Executor } from '../../platform/database/index.ts';

/** What the life cycle decided about a state whose bytes are stored. */
interface StateVerdict {
  id: StateVersionId;
  standing: StateStanding;
  /** True when this content had been stored before; nothing new is stored then. */
  again: boolean;
  sentence: string;
}

/** A state that a person writes; `quarantined` is the version that it takes over. */
interface WriteState {
  kind: 'write_state';
  how: 'push' | 'rollback' | 'accept';
  by: { kind: 'person'; id: string; name: string };
  id: StateVersionId;
  mark: StateMark;
  newLineage: boolean;
  quarantined: StateVersionId | null;
  /** Quarantined versions that are decided against with it. */
  discarded?: readonly StateVersionId[];
}

/** What of a workspace matters here, as it was before the decision. */
interface Undecided {
  undecided: readonly StateVersionId[];
}

/** The life cycle as this module needs it: whether a state becomes current is never decided here. */
export interface StateDecider {
  decide(
    taskId: TaskId,
    event: { kind: 'state_posted'; id: StateVersionId; mark: StateMark },
    options: { attemptId: AttemptId; extra: unknown },
  ): Promise<StateVerdict>;
  decideWorkspace(
    workspaceId: WorkspaceId,
    event: WriteState | { kind: 'discard_quarantined'; id: StateVersionId },
    options: { extra: unknown; also: (tx: Executor, before: Undecided) => Promise<void> },
  ): Promise<unknown>;
}

/** The life cycle's order to store a version as what it was decided to be. */
export interface StoreStateEffect {
  id: StateVersionId;
  standing: 'current' | 'superseded' | 'quarantined';
  sentence: string;
}

/** Where the decision was made. */
export interface StateContext {
  organizationId: string;
  workspaceId: WorkspaceId;
  taskId: TaskId | undefined;
  attemptId: AttemptId | undefined;
}
