import type { AgentId, AgentReason, QueueRule, TaskId } from '@groundcrew/protocol';
import type { Why } from './fitness.ts';
import type { AgentView, WaitingTask } from './snapshot.ts';

/** One task given to one agent. */
export interface Assignment {
  readonly taskId: TaskId;
  readonly agentId: AgentId;
}

/** What holds a task, with its sentence. */
export interface Hindrance {
  readonly rule: QueueRule;
  readonly sentence: string;
}

/** Why a task stays waiting. */
export interface StillWaiting extends Hindrance {
  readonly taskId: TaskId;
  readonly task: WaitingTask;
  /** Agent by agent, why not. Made when it is read: thousands of tasks wait for thousands of agents, and few are looked at. */
  readonly agents: readonly AgentExplanation[];
}

export interface AgentExplanation extends Why {
  readonly agentId: AgentId;
  readonly name: string;
  readonly reason: AgentReason;
  readonly agent: AgentView;
}

export interface Choice {
  /** In the order in which they were given away. */
  readonly assignments: readonly Assignment[];
  /** In the order in which they were looked at: whoever comes first is served first. */
  readonly waiting: readonly StillWaiting[];
}
