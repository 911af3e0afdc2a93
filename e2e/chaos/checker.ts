import { isTerminal } from '@groundcrew/protocol';
import { findCreated, findLogViolations } from './check-logs.ts';
import { addressOf } from './configuration.ts';
import type { LedgerLine } from './ledger.ts';
import type { Observation, TaskSeen, WorkspaceSeen } from './observation.ts';
import type { Violation, ViolationKind } from './violation.ts';

/** Compares ledger, states, logs and what the server says of tasks and workspaces; gives a sentence for everything that is wrong. */
export function findViolations(seen: Observation): Violation[] {
  return [
    ...findDoubled(seen.ledger),
    ...seen.tasks.flatMap((task) => [...findTaskViolations(task, seen), ...findLogViolations(task, seen.secret)]),
    ...seen.workspaces.flatMap((workspace) => [...findLocks(workspace, seen), ...findLostStates(workspace, seen)]),
  ];
}

/** Ended, or in the hands of a person who is told why. */
export const hasVerdict = ({ status }: Pick<TaskSeen, 'status'>): boolean =>
  isTerminal(status) || status === 'needs_attention';

/** Each order applies each resource once: the second line is an apply that was done twice. */
function findDoubled(ledger: readonly LedgerLine[]): Violation[] {
  const counts = new Map<string, number>();
  for (const { label, resource } of ledger) {
    const key = `${label} ${resource}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([key, count]) => ({ kind: 'doubled_apply', sentence: `${key} was applied ${count} times.` }));
}

function findTaskViolations(task: TaskSeen, { ledger, resources }: Observation): Violation[] {
  const applied = new Set(ledger.filter(({ label }) => label === task.label).map(({ resource }) => resource));
  const created = findCreated(task);
  const say = (kind: ViolationKind, sentence: string): Violation => ({
    kind,
    sentence: `${task.label} (${task.id}, ${task.status}): ${sentence}`,
  });
  if (!hasVerdict(task)) return [say('no_verdict', 'it has neither ended nor asked for a person.')];
  return resources.flatMap((name) => [
    ...(created.has(name) && !applied.has(name)
      ? [say('ledger_differs', `the log says that ${name} was created; the ledger does not.`)]
      : []),
    ...(task.status === 'applied' ? checkApplied(name) : checkUnapplied(name)),
  ]);

  function checkApplied(name: string): Violation[] {
    return [
      ...(applied.has(name) ? [] : [say('ledger_differs', `it is applied, but the ledger has no line of ${name}.`)]),
      ...(created.has(name) || task.mayLackOutput
        ? []
        : [say('ledger_differs', `it is applied, but no log says that ${name} was created.`)]),
      ...(task.lastState?.[name] === task.label
        ? []
        : [say('state_lost', `it is applied, but no state of it holds ${name}.`)]),
    ];
  }

  /** What was applied all the same is in the state, or a verdict names it, or Terraform died before it had said that it was done. */
  function checkUnapplied(name: string): Violation[] {
    if (!applied.has(name)) return [];
    if (!task.mayHaveApplied)
      return [say('ledger_differs', `${name} was applied by a task that never took its state lock.`)];
    const told = task.lastState?.[name] === task.label || task.words.includes(addressOf(name));
    return told || !created.has(name)
      ? []
      : [say('ledger_differs', `${name} was applied and is in no state, and no verdict names it.`)];
  }
}

/** Of a task without success whatever was applied before Terraform died: neither in a state nor named, because nobody could know. */
export function countInFlight({ ledger, tasks }: Observation): number {
  const byLabel = new Map(tasks.map((task) => [task.label, task]));
  return ledger.filter(({ label, resource }) => {
    const task = byLabel.get(label);
    if (task === undefined || task.status === 'applied' || task.lastState?.[resource] === label) return false;
    return !task.words.includes(addressOf(resource));
  }).length;
}

/** A hold without a task that a person was asked about, and a lock that nobody of ours has left there. */
function findLocks({ id, hold, lockedBy }: WorkspaceSeen, { tasks }: Observation): Violation[] {
  const holder = tasks.find((task) => task.id === hold);
  return [
    ...(hold !== null && holder?.status !== 'needs_attention'
      ? [
          {
            kind: 'lock_left' as const,
            sentence: `${id} is held by ${hold}, which is ${holder?.status ?? 'no task of this run'}.`,
          },
        ]
      : []),
    ...(lockedBy === null
      ? []
      : [{ kind: 'lock_left' as const, sentence: `${id} is locked by ${lockedBy}, who had opened it.` }]),
  ];
}

/** Goes through a workspace's tasks and keeps what its state may say after each. */
function findLostStates({ id, currentState }: WorkspaceSeen, { resources, tasks }: Observation): Violation[] {
  const own = tasks.filter((task) => task.workspaceId === id && task.mayHaveApplied);
  return resources.flatMap((name): Violation[] => {
    let allowed = new Set<string | undefined>([undefined]);
    for (const { status, label } of own)
      allowed = status === 'applied' ? new Set([label]) : new Set([...allowed, undefined, label]);
    const found = currentState?.[name];
    if (allowed.has(found)) return [];
    const expected = [...allowed].map((label) => label ?? 'nothing').join(' or ');
    return [
      {
        kind: 'state_lost',
        sentence: `The state of ${id} holds ${name} of ${found ?? 'nothing'}; it should be of ${expected}.`,
      },
    ];
  });
}
