import type { QueueExplanation, QueueState, Task, TaskId, WayOut } from '@groundcrew/protocol';
import { isTerminal } from '@groundcrew/protocol';

/** What a task that does not wait for an agent waits for instead. `task` is as people see it, with its verdict. */
export function explainOther(task: Task, isOffered: boolean): QueueExplanation {
  const state = stateOf(task, isOffered);
  const [message, ...ways_out] = SAY[state](task);
  const rest = { waiting: false, position: null, rule: null, agents: [] };
  return { task_id: task.id as TaskId, state, message, ways_out, ...rest };
}

function stateOf({ status }: Task, isOffered: boolean): QueueState {
  if (isTerminal(status)) return 'ended';
  if (status === 'pending') return isOffered ? 'offered' : 'waiting';
  return status as 'running' | 'awaiting_approval' | 'needs_attention';
}

type Say = (task: Task) => [message: string, ...waysOut: WayOut[]];

const SAY: Readonly<Record<QueueState, Say>> = {
  /** It came to wait between two looks. */
  waiting: () => ['The task has just come to wait for an agent; ask again.'],
  offered: ({ agent_name }) => [`It is offered to agent ${agent_name}, which has a few seconds to take it.`],
  running: (task) => (task.verdict ? sayVerdict(task) : sayRunning(task)),
  awaiting_approval: ({ id, plan }) => [
    `Its plan waits for a person's approval${plan === null ? '' : ` until ${plan.expires_at}`}; no agent is held meanwhile.`,
    { sentence: 'Look at the plan and approve it.', command: `task approve ${id}` },
    { sentence: 'Throw the plan away.', command: `task discard ${id}` },
  ],
  needs_attention: (task) => (task.verdict ? sayVerdict(task) : ['It needs a person.']),
  ended: ({ status, reason }) => [`It has ended: ${reason === null ? status : `${status}. ${reason.message}`}`],
};

function sayRunning({ id, agent_name, stage, cancel_level }: Task): [string, ...WayOut[]] {
  const where = `It runs on agent ${agent_name}${stage === null ? '' : `, ${stage.replaceAll('_', ' ')}`}`;
  if (cancel_level > 0) return [`${where}, and is being cancelled.`];
  return [`${where}.`, { sentence: 'Follow it.', command: `task logs ${id} --follow` }];
}

const sayVerdict = ({ verdict }: Task): [string, ...WayOut[]] => [verdict?.message ?? '', ...(verdict?.ways_out ?? [])];
