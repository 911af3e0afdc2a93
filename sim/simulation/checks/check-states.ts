import type { Attempt, Task } from '@groundcrew/server/lifecycle';
import type { World as Fence } from '@groundcrew/server/lifecycle/world';
import type { Tables } from '../server/tables.ts';
import type { ApplyRun } from '../terraform/ledger.ts';
import { parseState } from '../terraform/plan-file.ts';

/** What an apply that the ledger knows has become on the server. */
interface Judged {
  readonly run: ApplyRun;
  readonly fence: Fence;
  readonly task: Task;
  readonly attempt: Attempt;
}

/** Every thing that exists is recorded in a state that the server has, or a verdict names it; no saved state is lost. */
export function checkStates(tables: Tables, runs: readonly ApplyRun[], isGone: (host: string) => boolean): string[] {
  return runs.flatMap((run) => {
    const judged = judge(tables, run);
    if (judged === undefined) return [`the ledger has an apply of ${run.attempt} that the server does not know`];
    const found = [
      isGone(run.host) ? undefined : findLostState(judged),
      findUnnamed(tables, judged),
      findUnfinished(tables, judged),
    ];
    return found.filter((sentence) => sentence !== undefined);
  });
}

function judge(tables: Tables, run: ApplyRun): Judged | undefined {
  for (const fence of tables.fences.values()) {
    const attempt = fence.attempts.find(({ id }) => id === run.attempt);
    const task = fence.tasks.find(({ id }) => id === attempt?.taskId);
    if (attempt !== undefined && task !== undefined) return { run, fence, task, attempt };
  }
  return undefined;
}

/** Terraform was told that its state is safe: then it is. */
function findLostState({ run, attempt }: Judged): string | undefined {
  const last = run.saved.at(-1);
  if (
    last === undefined ||
    attempt.states.some(({ lineage, serial }) => lineage === last.lineage && serial === last.serial)
  )
    return undefined;
  return `the last state of ${attempt.id} (serial ${last.serial}) was taken from Terraform and is not on the server`;
}

/** What was made is recorded, or people are told that something may not be. */
function findUnnamed(tables: Tables, { run, task, attempt }: Judged): string | undefined {
  const recorded = new Set(
    attempt.states.flatMap(({ id }) => parseState(tables.states.get(id) ?? Buffer.from('{"resources":[]}')).resources),
  );
  const missing = run.made.filter((address) => !recorded.has(address));
  if (missing.length === 0 || isNamed(tables, task, attempt)) return undefined;
  return `${attempt.id} made ${missing.join(', ')}, which no state records and no verdict names (task ${task.status})`;
}

const isNamed = (tables: Tables, task: Task, attempt: Attempt): boolean =>
  task.status === 'needs_attention' ||
  attempt.outcome === 'closed' ||
  attempt.interrupted ||
  // A person forced it, and was told that this loses what is under way.
  task.cancelLevel >= 2 ||
  tables.unrecorded.has(attempt.id);

function findUnfinished(tables: Tables, { run, fence, task, attempt }: Judged): string | undefined {
  if (task.status !== 'applied') return undefined;
  const { state } = fence.workspace;
  const now = state && tables.states.get(state.id);
  const resources = now ? parseState(now).resources : [];
  const lost = run.made.filter((address) => !resources.includes(address));
  return lost.length === 0
    ? undefined
    : `${task.id} is applied, but the state lacks ${lost.join(', ')} of ${attempt.id}`;
}
