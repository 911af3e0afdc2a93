import type { Attempt, Task, WorkspaceEvent } from '@groundcrew/server/lifecycle';
import { stateMark } from '../folder.ts';
import { AGENTS, ANN, BOB, NOW, SYSTEM } from '../system.ts';
import type { Turn } from '../turn.ts';

/** People, at any time: approve, discard, cancel, close, lock, push, decide about states, revoke an agent. */
export function people(turn: Turn): void {
  for (const task of turn.system.world.tasks) askOf(turn, task);
  locks(turn);
  states(turn);
  if (turn.may('revoke')) for (const agentId of AGENTS) revoke(turn, agentId);
}

function askOf(turn: Turn, task: Task): void {
  const { id, plan } = task;
  if (plan) {
    turn.order('people', 'approved', id, { kind: 'approve', planChecksum: plan.checksum, by: ANN });
    turn.forbidden('approved by the server', id, { kind: 'approve', planChecksum: plan.checksum, by: SYSTEM });
    turn.forbidden('approved another plan', id, { kind: 'approve', planChecksum: 'another', by: ANN });
  }
  turn.order('people', 'discarded', id, { kind: 'discard', by: ANN });
  turn.order('people', 'cancelled', id, { kind: 'cancel', level: 1, force: false, by: ANN });
  const attempt = turn.system.world.attempts.find((other) => other.id === task.attemptId);
  if (attempt && attempt.permit !== 'none')
    turn.forbidden('killed without force', id, { kind: 'cancel', level: 3, force: false, by: ANN });
  const close = { kind: 'close', by: ANN, confirmed: true, reason: 'gone' } as const;
  if (isInContact(task, attempt)) turn.forbidden('closed in contact', id, close);
  else turn.order('people', 'closed', id, close);
  turn.forbidden('closed unconfirmed', id, { kind: 'close', by: ANN, confirmed: false, reason: 'gone' });
  turn.forbidden('closed by the server', id, { kind: 'close', by: SYSTEM, confirmed: true, reason: 'gone' });
}

const isInContact = (task: Task, attempt: Attempt | undefined): boolean =>
  task.status === 'running' && attempt?.state === 'running' && (attempt.leaseUntil ?? 0) > NOW;

function locks(turn: Turn): void {
  const { workspace } = turn.system.world;
  if (turn.may('lock')) fence(turn, 'locked', { kind: 'lock', by: ANN, reason: 'work', lockId: null }, 1);
  if (turn.may('terraform_lock'))
    fence(turn, 'locked by her own Terraform', { kind: 'lock', by: BOB, reason: 'terraform', lockId: 'tf' }, 1);
  if (!workspace.lock) return;
  const { lockId } = workspace.lock;
  fence(turn, 'unlocked', { kind: 'unlock', by: ANN, lockId: null, acknowledged: true });
  if (lockId !== null)
    fence(turn, 'unlocked by her own Terraform', { kind: 'unlock', by: BOB, lockId, acknowledged: false });
  fence(
    turn,
    'unlocked by another Terraform',
    { kind: 'unlock', by: BOB, lockId: 'other', acknowledged: true },
    0,
    'a lock is opened only by whoever holds it',
  );
  if (workspace.marks.length > 0)
    fence(
      turn,
      'unlocked unwarned',
      { kind: 'unlock', by: ANN, lockId: null, acknowledged: false },
      0,
      'whoever unlocks is warned of an attempt that is not proven dead',
    );
}

function states(turn: Turn): void {
  const { state, undecided } = turn.system.world.workspace;
  const serial = (state?.serial ?? 0) + 1;
  const write = { kind: 'write_state', newLineage: false } as const;
  if (turn.may('push')) {
    const push = {
      ...write,
      how: 'push',
      mark: stateMark(serial, 'push'),
      id: `sv-push#${serial}` as never,
      quarantined: null,
    } as const;
    fence(turn, 'pushed a state', { ...push, by: ANN }, 1);
    fence(turn, 'rolled back', { ...push, how: 'rollback', by: BOB }, 1);
  }
  const [quarantined] = undecided;
  if (quarantined === undefined) return;
  const accepted = { mark: stateMark(serial, 'accepted'), id: `sv-accepted#${serial}` as never, quarantined };
  fence(turn, 'accepted the quarantined state', { ...write, ...accepted, how: 'accept', by: ANN });
  fence(turn, 'discarded the quarantined state', { kind: 'discard_quarantined', id: quarantined });
}

/** `never`: why this must not be taken. */
function fence(turn: Turn, what: string, event: WorkspaceEvent, cost = 0, never?: string): void {
  const found = turn.fence(event);
  if (found)
    turn.go('people', what, 'workspace', { world: found.world, left: turn.system.left - cost }, found.broken ?? never);
}

function revoke(turn: Turn, agentId: (typeof AGENTS)[number]): void {
  const { system } = turn;
  if (system.revoked.includes(agentId)) return;
  let { world } = system;
  let found: string | undefined;
  for (const task of world.tasks) {
    const attempt = world.attempts.find(({ id }) => id === task.attemptId);
    if (attempt?.agentId !== agentId) continue;
    const { broken, ...said } = turn.ask(world, task.id, undefined, { kind: 'agent_revoked' });
    world = said.world;
    found ??= broken;
  }
  const revoked = [...system.revoked, agentId];
  turn.go('people', 'revoked', agentId, { world, revoked, left: system.left - 1 }, found);
}
