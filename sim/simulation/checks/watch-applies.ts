import type { Tables } from '../server/tables.ts';
import type { ApplyRun } from '../terraform/ledger.ts';

/** Why an apply must not change anything just now, by all that the server has said; undefined when it may. */
export function findMisdeed(tables: Tables, { attempt: attemptId }: ApplyRun): string | undefined {
  for (const { tasks, attempts } of tables.fences.values()) {
    const attempt = attempts.find(({ id }) => id === attemptId);
    if (attempt === undefined) continue;
    const task = tasks.find(({ id }) => id === attempt.taskId);
    if (attempt.outcome === 'closed') return undefined;
    if (attempt.permit !== 'used') return `${attemptId} changes things, and its permit is ${attempt.permit}`;
    if (attempt.interrupted) return `${attemptId} changes things after it was proved dead`;
    if (attempt.state === 'ended') return `${attemptId} changes things after its end (${attempt.outcome})`;
    if (task?.approval == null) return `${attemptId} changes things that nobody approved`;
    return undefined;
  }
  return `${attemptId} changes things, and the server does not know it`;
}
