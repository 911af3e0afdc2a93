import type { AttemptId } from '@groundcrew/protocol';
import type { Task } from '@groundcrew/server/tasks/lifecycle';
import { AGENTS, type System } from '../system.ts';
import type { Turn } from '../turn.ts';

/** The server's dispatcher: offers what waits to any agent that is trusted. */
export function dispatcher(turn: Turn): void {
  const { world, revoked } = turn.system;
  for (const [index, task] of world.tasks.entries()) {
    if (task.status === 'pending' && task.attemptId === null) {
      const attemptId = freshAttemptId(turn.system);
      const firstInOrder = task.type === 'plan' || !world.tasks.slice(0, index).some(waitsToApply);
      for (const agentId of AGENTS)
        if (!revoked.includes(agentId))
          turn.order('server', 'offered', task.id, { kind: 'assign', attemptId, agentId, firstInOrder });
    }
    if (task.attemptId !== null) turn.order('server', 'offer sent', task.id, { kind: 'mark_sent' });
  }
}

const waitsToApply = (task: Task): boolean =>
  task.type === 'plan_and_apply' && task.status === 'pending' && task.attemptId === null;

/** The first name that nobody bears or speaks of, so that names do not grow without end. */
function freshAttemptId({ world, folders, backup }: System): AttemptId {
  const taken = new Set<string>();
  for (const { tasks, attempts } of backup === null ? [world] : [world, backup]) {
    for (const { id } of attempts) taken.add(id);
    for (const { plan, approval } of tasks) {
      if (plan) taken.add(plan.attemptId);
      if (approval) taken.add(approval.planChecksum.slice('plan of '.length));
    }
  }
  for (const { attemptId } of folders) taken.add(attemptId);
  for (let n = 1; ; n += 1) if (!taken.has(`att-${n}`)) return `att-${n}` as AttemptId;
}
