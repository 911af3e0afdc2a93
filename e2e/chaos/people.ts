import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@groundcrew/client';
import { isTerminal, type Task, type TaskId, type WorkspaceId } from '@groundcrew/protocol';
import { type AskedTask, askFor, openWorkspace, PATIENT, type Patience, readTask, type Secret } from './asked.ts';
import type { Bed } from './bed.ts';
import { filesOf } from './configuration.ts';
import type { Dice } from './dice.ts';
import { TIMEOUTS } from './figures.ts';

/** What a person does with a task of theirs. */
const INTENTIONS = [
  'apply',
  'apply',
  'apply',
  'apply',
  'apply',
  'approve',
  'approve',
  'plan',
  'cancel',
  'lock',
] as const;
type Intention = (typeof INTENTIONS)[number];

export interface Person {
  readonly name: string;
  readonly bed: Bed;
  readonly dice: Dice;
  readonly secret: Secret;
  /** Told of each task. */
  readonly onAsked: (task: AskedTask) => void;
  /** Told of approvals, cancels, locks and closed tasks. */
  readonly onAct: (act: 'approve' | 'cancel' | 'lock' | 'close') => void;
  /** No new task is asked for from here on. */
  readonly goHome: AbortSignal;
  /** Waits for nothing from here on. */
  readonly giveUp: AbortSignal;
}

const POLL_MS = 500;
const patienceUntil = (signal: AbortSignal): Patience => ({ ...PATIENT, signal });
const settled = (task: Task): boolean => isTerminal(task.status) || task.status === 'needs_attention';

/** Asks for one task after another, in one workspace as long as that is possible, until it is time to go home. */
export async function work(person: Person): Promise<void> {
  const { bed, dice, giveUp, goHome, secret } = person;
  const besides: Promise<void>[] = [];
  for (let place = 1; !goHome.aborted; place += 1) {
    const name = `${person.name}${place}`;
    const workspaceId = await openWorkspace(bed, { name, secret, timeouts: TIMEOUTS }, patienceUntil(giveUp));
    for (let round = 1; !goHome.aborted; round += 1) {
      const wish = { workspaceId, label: `${name}-${round}`, intention: dice.pick(INTENTIONS) };
      const task = await ask(person, wish, besides);
      if (task?.status !== 'needs_attention') continue;
      // The hold stays until a person has looked. This one does, and goes on here, or starts anew elsewhere.
      if (dice.between(0, 1) === 0) break;
      await close(person, task);
    }
  }
  await Promise.all(besides);
}

interface Wish {
  readonly workspaceId: WorkspaceId;
  readonly label: string;
  readonly intention: Intention;
}

/** Asks for a task and stays with it; gives it as it was last seen. */
async function ask(
  person: Person,
  { workspaceId, label, intention }: Wish,
  besides: Promise<void>[],
): Promise<Task | undefined> {
  const { bed, dice, giveUp, secret } = person;
  const order = { label, ledger: bed.ledger, lines: dice.between(5, 25), pauseSeconds: dice.between(1, 3) / 10 };
  const wish = {
    label,
    workspaceId,
    files: filesOf({ ...order, secretVariable: secret.name }),
    type: intention === 'plan' ? 'plan' : 'plan_and_apply',
    autoApprove: intention !== 'approve',
  } as const;
  const task = await askFor(bed, wish, patienceUntil(giveUp));
  const { id } = task;
  person.onAsked(task);
  if (intention === 'cancel') besides.push(cancelLater(person, id));
  if (intention === 'lock') besides.push(lockForAWhile(person, workspaceId));
  return follow(person, id);
}

/** Looks at the task until it is settled, and approves when asked. */
async function follow(person: Person, id: TaskId): Promise<Task | undefined> {
  let last: Task | undefined;
  while (!person.giveUp.aborted) {
    last = await readTask(person.bed, id, patienceUntil(person.giveUp));
    if (settled(last)) return last;
    if (last.status === 'awaiting_approval' && last.plan !== null) await approve(person, last.id, last.plan.checksum);
    await sleep(POLL_MS);
  }
  return last;
}

async function approve(person: Person, id: TaskId, checksum: string): Promise<void> {
  const body = { plan_checksum: checksum };
  await act(person, 'approve', (patience) =>
    person.bed.client.call('approveTask', { params: { task_id: id }, body }, patience),
  );
}

async function cancelLater(person: Person, id: TaskId): Promise<void> {
  await sleep(person.dice.between(200, 6_000));
  await act(person, 'cancel', (patience) =>
    person.bed.client.call('cancelTask', { params: { task_id: id }, body: {} }, patience),
  );
}

async function lockForAWhile(person: Person, workspaceId: WorkspaceId): Promise<void> {
  const params = { workspace_id: workspaceId };
  const lasts = person.dice.between(500, 4_000);
  await sleep(person.dice.between(0, 3_000));
  await act(person, 'lock', (patience) => person.bed.client.call('lockWorkspace', { params, body: {} }, patience));
  await sleep(lasts);
  while (!person.giveUp.aborted && (await isLocked(person, workspaceId)))
    await act(person, undefined, (patience) => person.bed.client.call('unlockWorkspace', { params }, patience));
}

/** Ends what cannot go on by itself, and opens the workspace again, whether or not anything was proved meanwhile. */
async function close(person: Person, { id, workspace_id }: Task): Promise<void> {
  const params = { workspace_id };
  const { name } = await person.bed.client.call('getWorkspace', { params }, patienceUntil(person.giveUp));
  const body = { reason: 'nobody is there any more', workspace: name };
  await act(person, 'close', (patience) =>
    person.bed.client.call('closeTask', { params: { task_id: id }, body }, patience),
  );
  const query = { acknowledge: 'true' } as const;
  while (!person.giveUp.aborted && (await isLocked(person, workspace_id)))
    await act(person, undefined, (patience) => person.bed.client.call('unlockWorkspace', { params, query }, patience));
}

async function isLocked({ bed, giveUp }: Person, workspaceId: WorkspaceId): Promise<boolean> {
  const params = { workspace_id: workspaceId };
  return (await bed.client.call('getWorkspace', { params }, patienceUntil(giveUp))).locked !== null;
}

/** Does what the server may refuse, because a task has gone on meanwhile: that is an answer like any other. */
async function act(
  { giveUp, onAct }: Person,
  name: Parameters<Person['onAct']>[0] | undefined,
  call: (patience: Patience) => Promise<unknown>,
): Promise<void> {
  try {
    await call(patienceUntil(giveUp));
    if (name !== undefined) onAct(name);
  } catch (error) {
    if (giveUp.aborted) return;
    if (!(error instanceof ApiError) || error.status >= 500) throw error;
  }
}
