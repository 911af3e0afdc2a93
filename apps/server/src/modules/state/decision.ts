import type { AttemptId, StateMark, StateStanding, StateVersionId, TaskId, WorkspaceId } from '@groundcrew/protocol';

/** What the life cycle decided about a state whose bytes are stored. */
interface StateVerdict {
  id: StateVersionId;
  standing: StateStanding;
  /** True when this content had been stored before; nothing new is stored then. */
  again: boolean;
  sentence: string;
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
    event: {
      kind: 'write_state';
      how: 'push' | 'rollback';
      by: { kind: 'person'; id: string; name: string };
      id: StateVersionId;
      mark: StateMark;
      newLineage: boolean;
      quarantined: null;
    },
    options: { extra: unknown },
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
