import type { AttemptId } from '@groundcrew/protocol';
import type { Actor, Attempt, ExitRecord } from './aggregate.ts';
import type { TaskEvent, WorkspaceEvent } from './events.ts';
import { isWaiting, mayApply } from './rules.ts';
import { ANN, agentId, BOB, exitRecord, mark, stateId } from './scenario-for-tests.ts';
import type { World } from './world.ts';

/** One thing that may happen to a world: to a task, from one of its attempts, or to the workspace. */
export type Happening =
  | { readonly to: 'task'; readonly task: number; readonly attemptId: AttemptId | undefined; readonly event: TaskEvent }
  | { readonly to: 'workspace'; readonly event: WorkspaceEvent };

const PLAN = 'plan-1';
const SYSTEM: Actor = { kind: 'system' };

/** Names that are fresh in this world, so that a world is all that decides what may happen to it. */
const freshAttempt = (world: World): AttemptId => `att-${world.attempts.length + 1}` as AttemptId;
const countStates = (world: World): number => world.attempts.reduce((sum, a) => sum + a.states.length, 0);

function records(world: World): ExitRecord[] {
  const { state } = world.workspace;
  const last = state ? { lineage: state.lineage, serial: state.serial, checksum: state.checksum } : null;
  return [
    exitRecord({ planChecksum: PLAN }),
    exitRecord({ exitCode: 1, failedAt: 'init' }),
    exitRecord({ logs: [{ phase: 'apply', length: 1, checksum: 'log' }], lastState: last }),
    exitRecord({ exitCode: 1, signal: 'SIGKILL', lastState: mark((state?.serial ?? 0) + 1) }),
    exitRecord({ exitCode: null, signal: 'SIGINT', timedOut: true, lastState: last }),
  ];
}

/** Everything an attempt's side may say, rightly or wrongly. */
function saidBy(world: World, attempt: Attempt | undefined): TaskEvent[] {
  const present = world.workspace.state;
  const madeFrom = present && { lineage: present.lineage, serial: present.serial };
  const id = stateId(`${countStates(world)}-${world.attempts.length}`);
  const right = `nonce-${attempt?.id}`;
  const serials = [-1, 0, 1, 2].map((n) => Math.max(0, (present?.serial ?? 0) + n));
  return [
    { kind: 'accept', secretHash: `hash-${attempt?.id}` },
    { kind: 'accept', secretHash: 'foreign' },
    { kind: 'reject', reason: 'no room' },
    { kind: 'renew', stage: null },
    { kind: 'renew', stage: 'applying' },
    { kind: 'stage', stage: 'planning' },
    { kind: 'stage', stage: 'saving_state' },
    { kind: 'return', reason: 'disk full' },
    { kind: 'plan_stored', checksum: PLAN, madeFrom, hasChanges: true },
    { kind: 'plan_stored', checksum: PLAN, madeFrom, hasChanges: false },
    { kind: 'plan_stored', checksum: 'plan-2', madeFrom: { lineage: 'old', serial: 0 }, hasChanges: true },
    { kind: 'permit_asked', nonce: right, planChecksum: PLAN, agentRevoked: false },
    { kind: 'permit_asked', nonce: 'copied', planChecksum: PLAN, agentRevoked: false },
    { kind: 'permit_asked', nonce: right, planChecksum: 'plan-2', agentRevoked: false },
    { kind: 'permit_asked', nonce: right, planChecksum: PLAN, agentRevoked: true },
    { kind: 'lock_arrived', nonce: right, lockId: 'tf-1' },
    { kind: 'lock_arrived', nonce: right, lockId: 'tf-2' },
    { kind: 'lock_arrived', nonce: 'copied', lockId: 'tf-1' },
    ...records(world).flatMap((record): TaskEvent[] => [
      { kind: 'finish', record, logsIn: [] },
      { kind: 'finish', record, logsIn: ['plan', 'apply'] },
    ]),
    { kind: 'log_in', phase: 'plan' },
    { kind: 'log_in', phase: 'apply' },
    ...serials.map((serial): TaskEvent => ({ kind: 'state_posted', id, mark: mark(serial) })),
    { kind: 'state_posted', id, mark: { ...mark(serials[1] ?? 0), checksum: 'other content' } },
    { kind: 'state_posted', id, mark: mark(9, 'other') },
    { kind: 'died', proof: 'folder' },
    { kind: 'died', proof: 'pod' },
    { kind: 'never_started' },
  ];
}

/** Everything that may be asked of a task. */
function askedOf(world: World, task: number): TaskEvent[] {
  const me = world.tasks[task];
  const firstInOrder =
    !world.tasks.slice(0, task).some((t) => mayApply(t) && isWaiting(t)) || (me !== undefined && !mayApply(me));
  return [
    { kind: 'assign', attemptId: freshAttempt(world), agentId: agentId(1), firstInOrder },
    { kind: 'assign', attemptId: freshAttempt(world), agentId: agentId(2), firstInOrder },
    { kind: 'mark_sent' },
    { kind: 'approve', planChecksum: PLAN, by: ANN },
    { kind: 'approve', planChecksum: 'plan-2', by: ANN },
    { kind: 'approve', planChecksum: PLAN, by: SYSTEM },
    { kind: 'discard', by: ANN },
    { kind: 'cancel', level: 1, force: false, by: ANN },
    { kind: 'cancel', level: 3, force: true, by: ANN },
    { kind: 'cancel', level: 2, force: true, by: SYSTEM },
    { kind: 'close', by: ANN, confirmed: true, reason: 'gone' },
    { kind: 'close', by: ANN, confirmed: false, reason: 'gone' },
    { kind: 'agent_revoked' },
    { kind: 'tick' },
    { kind: 'restored' },
    { kind: 'state_moved_on' },
    { kind: 'quarantine_arrived' },
  ];
}

/** Everything that may be done to the workspace. */
function doneTo(world: World): WorkspaceEvent[] {
  const { state, undecided } = world.workspace;
  const id = stateId(`w-${countStates(world)}-${state?.serial ?? 0}`);
  const write = { kind: 'write_state', by: ANN, id, newLineage: false, quarantined: null } as const;
  const next = mark((state?.serial ?? 0) + 1, state?.lineage);
  const [first = stateId('unknown')] = undecided;
  return [
    { kind: 'lock', by: ANN, reason: 'work', lockId: null },
    { kind: 'lock', by: BOB, reason: 'terraform', lockId: 'tf-bob' },
    { kind: 'unlock', by: ANN, lockId: null, acknowledged: true },
    { kind: 'unlock', by: BOB, lockId: 'tf-bob', acknowledged: false },
    { ...write, how: 'push', mark: next },
    { ...write, how: 'rollback', mark: mark(0) },
    { ...write, how: 'push', mark: mark(1, 'forced'), newLineage: true },
    { ...write, how: 'accept', mark: next, quarantined: first },
    { kind: 'discard_quarantined', id: first },
  ];
}

/** Everything that may happen next, from the open and from every older attempt. */
export function everything(world: World): Happening[] {
  const ofTasks = world.tasks.flatMap((t, task): Happening[] => {
    const attempts = world.attempts.filter((a) => a.taskId === t.id);
    const said = attempts.flatMap((a) =>
      saidBy(world, a).map((event): Happening => ({ to: 'task', task, attemptId: a.id, event })),
    );
    const stray = saidBy(world, undefined).map(
      (event): Happening => ({ to: 'task', task, attemptId: undefined, event }),
    );
    const asked = askedOf(world, task).map((event): Happening => ({ to: 'task', task, attemptId: undefined, event }));
    return [...(attempts.length === 0 ? stray : said), ...asked];
  });
  return [...ofTasks, ...doneTo(world).map((event): Happening => ({ to: 'workspace', event }))];
}

/** What happens next when all goes well; undefined for a task that has ended or waits for a person. */
export function onward(world: World, task: number): Happening | undefined {
  const me = world.tasks[task];
  const attempt = world.attempts.find((a) => a.id === me?.attemptId);
  const happening = (event: TaskEvent | undefined): Happening | undefined =>
    event && { to: 'task', task, attemptId: attempt?.id, event };
  if (!me) return undefined;
  if (me.status === 'awaiting_approval')
    return happening({ kind: 'approve', planChecksum: me.plan?.checksum ?? PLAN, by: ANN });
  if (isWaiting(me)) return happening(askedOf(world, task)[0]);
  return attempt && happening(nextWord(world, attempt));
}

function nextWord(world: World, attempt: Attempt): TaskEvent | undefined {
  const said = saidBy(world, attempt);
  const find = (kind: TaskEvent['kind']): TaskEvent | undefined => said.find((event) => event.kind === kind);
  if (attempt.state === 'offered') return find('accept');
  if (attempt.state === 'exited') return find('log_in');
  if (attempt.permit === 'live') return find('lock_arrived');
  if (attempt.permit === 'used')
    return attempt.states.length === 0
      ? {
          kind: 'state_posted',
          id: stateId(`${attempt.id}-1`),
          mark: mark((world.workspace.state?.serial ?? 0) + 1, world.workspace.state?.lineage),
        }
      : { kind: 'finish', record: exitRecord({ lastState: attempt.states.at(-1) ?? null }), logsIn: [] };
  const me = world.tasks.find((t) => t.id === attempt.taskId);
  if (attempt.action === 'apply' || (me?.plan?.attemptId === attempt.id && me.approval)) return find('permit_asked');
  return me?.plan?.attemptId === attempt.id
    ? { kind: 'finish', record: exitRecord({ planChecksum: me.plan.checksum }), logsIn: [] }
    : find('plan_stored');
}
