import type { AttemptId } from '@groundcrew/protocol';
import type { Task } from '@groundcrew/server/lifecycle';
import type { World } from '@groundcrew/server/lifecycle/world';
import { AGENTS, type System } from '../system.ts';
import type { Turn } from '../turn.ts';

/** The server's dispatchers: they offer what waits to any agent that is trusted, and may have looked a while ago. */
export function dispatcher(turn: Turn): void {
  const { tasks } = turn.system.world;
  for (const [index, task] of tasks.entries()) {
    const firstInOrder = task.type === 'plan' || !tasks.slice(0, index).some(waitsToApply);
    offer(turn, task, firstInOrder);
    if (task.attemptId !== null) turn.order('server', 'offer sent', task.id, { kind: 'mark_sent' });
  }
}

function offer(turn: Turn, task: Task, firstInOrder: boolean): void {
  const { system } = turn;
  const attemptId = freshAttemptId(system);
  for (const agentId of AGENTS)
    if (!system.revoked.includes(agentId))
      turn.order('server', 'offered', task.id, { kind: 'assign', attemptId, agentId, firstInOrder });
}

const waitsToApply = (task: Task): boolean =>
  task.type === 'plan_and_apply' && task.status === 'pending' && task.attemptId === null;

/** The first name that nobody bears or speaks of, so that names do not grow without end. */
function freshAttemptId({ world, folders, backup }: System): AttemptId {
  const taken = new Set([...namesIn(world), ...(backup === null ? [] : namesIn(backup))]);
  for (const { attemptId } of folders) taken.add(attemptId);
  for (let n = 1; ; n += 1) if (!taken.has(`att-${n}`)) return `att-${n}` as AttemptId;
}

const namesIn = ({ tasks, attempts }: World): string[] => [
  ...attempts.map(({ id }) => id),
  ...tasks.flatMap(({ plan, approval }) => [
    plan?.attemptId ?? '',
    approval?.planChecksum.slice('plan of '.length) ?? '',
  ]),
];
