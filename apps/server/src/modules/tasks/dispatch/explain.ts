import type { QueueExplanation, TaskId } from '@groundcrew/protocol';
import type { Choice } from './choice.ts';
import type { Snapshot } from './snapshot.ts';
import { findAgentWayOut, findWaysOut } from './ways-out.ts';

/** Puts what the choice says of a task that waits for an agent into the words of the API. */
export function explainWaiting(snapshot: Snapshot, choice: Choice, taskId: TaskId): QueueExplanation {
  const found = choice.waiting.find((one) => one.taskId === taskId);
  if (found === undefined) return { ...NEXT, task_id: taskId };
  const { task, rule, sentence } = found;
  const pool = snapshot.pools.find(({ id }) => id === task.poolId)?.name ?? '<pool>';
  return {
    task_id: taskId,
    waiting: true,
    state: 'waiting',
    position: findPosition(choice, taskId),
    rule,
    message: sentence,
    ways_out: findWaysOut(found, task, pool),
    agents: found.agents.map((agent) => ({
      agent_id: agent.agentId,
      name: agent.name,
      reason: agent.reason,
      message: agent.sentence,
      way_out: findAgentWayOut(agent, task),
    })),
  };
}

const NEXT = {
  waiting: true,
  state: 'waiting',
  position: 1,
  rule: null,
  message: 'The task is next: it is being offered to an agent.',
  ways_out: [],
  agents: [],
} satisfies Omit<QueueExplanation, 'task_id'>;

/** Its place among those that stay waiting for the same pool. */
function findPosition({ waiting }: Choice, taskId: TaskId): number {
  const poolId = waiting.find((one) => one.taskId === taskId)?.task.poolId;
  return waiting.filter(({ task }) => task.poolId === poolId).findIndex((one) => one.taskId === taskId) + 1;
}
