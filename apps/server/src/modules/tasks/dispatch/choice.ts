import type { AgentId, TaskId } from '@groundcrew/protocol';
import type { AgentReason } from './fitness.ts';

/** One task given to one agent. */
export interface Assignment {
  readonly taskId: TaskId;
  readonly agentId: AgentId;
}

/** What keeps a task waiting: the workspace, or the agents. */
type WaitingRule =
  | 'locked'
  | 'held'
  | 'not_first'
  | 'no_pool'
  | 'pool_empty'
  | 'nobody_able'
  | 'nobody_online'
  | 'nobody_free';

/** Why a task stays waiting. */
export interface StillWaiting {
  readonly taskId: TaskId;
  readonly rule: WaitingRule;
  readonly sentence: string;
  /** Agent by agent, why not. Made when it is read: thousands of tasks wait for thousands of agents, and few are looked at. */
  readonly agents: readonly AgentExplanation[];
}

export interface AgentExplanation {
  readonly agentId: AgentId;
  readonly name: string;
  readonly reason: AgentReason;
  readonly sentence: string;
}

export interface Choice {
  readonly assignments: readonly Assignment[];
  readonly waiting: readonly StillWaiting[];
}

/** A rule with its sentence. */
export interface Hindrance {
  readonly rule: WaitingRule;
  readonly sentence: string;
}
