import type { Attempt, ExitRecord, TaskEvent } from '@groundcrew/server/lifecycle';
import { type Answers, exitRecordOf, type Folder, lockIdOf, stateMark, writerOf, writtenMark } from '../folder.ts';
import type { System } from '../system.ts';
import type { Turn } from '../turn.ts';

/**
 * Whatever a far side has ever said may arrive now, again and again, in any order, or never: lost, late, doubled and reordered
 * messages and partitions need no bound. Answers may be lost too: whoever was answered may as well not act upon it.
 */
export function network(turn: Turn): void {
  for (const folder of turn.system.folders) {
    const deliver: Deliver = (event, learn) => arrive(turn, folder, event, learn);
    if (folder.host === 'ghost') ghostMessages(turn, folder, deliver);
    else messages(turn, folder, deliver);
  }
}

type Deliver = (event: TaskEvent, learn?: (answer: unknown, code: string | undefined) => Partial<Answers>) => void;

function messages(turn: Turn, folder: Folder, deliver: Deliver): void {
  const { stored, nonce, fate, host } = folder;
  deliver({ kind: 'accept', secretHash: secretOf(folder) });
  deliver({ kind: 'reject', reason: 'no room' });
  deliver({ kind: 'renew', stage: null });
  if (stored) deliverPlan(turn, folder, deliver);
  if (nonce !== null)
    deliver(askPermit(turn, folder), (answer) => ({
      granted: answer !== undefined && isGranted(answer),
      denied: !isGranted(answer),
    }));
  if (fate === 'started') {
    const event = { kind: 'lock_arrived', nonce: nonce ?? '', lockId: lockIdOf(folder) } as const;
    deliver(event, (answer) => (answer === undefined ? { lockDenied: true } : { locked: true }));
  }
  for (let nth = 1; nth <= folder.written; nth += 1) deliver(statePosted(folder, nth));
  reports(turn, folder, deliver);
  if (host === 'lost') deliver({ kind: 'died', proof: 'pod' });
}

const secretOf = ({ attemptId }: Folder): string => `secret of ${attemptId}`;
const isGranted = (answer: unknown): boolean => (answer as { granted?: boolean } | undefined)?.granted === true;

function deliverPlan(turn: Turn, { planChecksum, madeFrom, attemptId }: Folder, deliver: Deliver): void {
  const ref = madeFrom === null ? null : { lineage: stateMark(0, '').lineage, serial: madeFrom };
  // What is changed later on the host's disk is not what was sent.
  const checksum = planChecksum === 'changed' ? `plan of ${attemptId}` : (planChecksum ?? '');
  const learn = (answer: unknown): Partial<Answers> =>
    answer === undefined ? {} : { plan: (answer as { proceed: boolean }).proceed ? 'proceed' : 'finish' };
  deliver({ kind: 'plan_stored', checksum, madeFrom: ref, hasChanges: true }, learn);
  if (turn.bounds.emptyPlans) deliver({ kind: 'plan_stored', checksum, madeFrom: ref, hasChanges: false }, learn);
}

const askPermit = ({ system }: Turn, { nonce, planChecksum, agentId }: Folder): TaskEvent => ({
  kind: 'permit_asked',
  nonce: nonce ?? '',
  planChecksum: planChecksum ?? '',
  agentRevoked: system.revoked.includes(agentId),
});

function statePosted(folder: Folder, nth: number): TaskEvent {
  const mark = writtenMark(folder, nth);
  return { kind: 'state_posted', id: `sv-${mark.checksum}` as never, mark };
}

function reports(turn: Turn, folder: Folder, deliver: Deliver): void {
  const { report } = folder;
  const refused = (_: unknown, code: string | undefined): Partial<Answers> =>
    code === 'illegal' || (report === 'returned' && code !== undefined) ? { refused: true } : {};
  if (report === 'returned') deliver({ kind: 'return', reason: 'disk full' }, refused);
  if (report === 'never_started') deliver({ kind: 'never_started' }, refused);
  if (report === 'interrupted') deliver({ kind: 'died', proof: 'folder' });
  if (report === 'planned' || report === 'plan_failed' || report === 'applied')
    exits(turn, exitRecordOf(folder, turn.bounds.logs), deliver);
}

function exits({ bounds }: Turn, record: ExitRecord, deliver: Deliver): void {
  deliver({ kind: 'finish', record, logsIn: [] });
  const phase = record.logs[0]?.phase;
  if (bounds.logs && phase) deliver({ kind: 'log_in', phase });
}

/** All that an attempt could ever say that ended before its LOCK was answered. */
function ghostMessages(turn: Turn, folder: Folder, deliver: Deliver): void {
  deliver({ kind: 'accept', secretHash: secretOf(folder) });
  deliver({ kind: 'reject', reason: 'no room' });
  deliver({ kind: 'renew', stage: null });
  deliver({ kind: 'stage', stage: 'planning' });
  deliver({ kind: 'return', reason: 'disk full' });
  deliver({ kind: 'plan_stored', checksum: `plan of ${folder.attemptId}`, madeFrom: null, hasChanges: true });
  deliver(
    askPermit(turn, { ...folder, nonce: `nonce of ${folder.attemptId}`, planChecksum: `plan of ${folder.attemptId}` }),
  );
  deliver({ kind: 'lock_arrived', nonce: `nonce of ${folder.attemptId}`, lockId: lockIdOf(folder) });
  deliver({ kind: 'finish', record: exitRecordOf({ ...folder, report: 'plan_failed' }, false), logsIn: [] });
  deliver({ kind: 'died', proof: 'folder' });
  deliver({ kind: 'never_started' });
}

function arrive(
  turn: Turn,
  folder: Folder,
  event: TaskEvent,
  learn?: (answer: unknown, code: string | undefined) => Partial<Answers>,
): void {
  const { system } = turn;
  const { world, answer, code, broken } = turn.ask(system.world, folder.taskId, folder.attemptId, event);
  const heard =
    learn && folder.runnerLives && folder.host === 'up' ? addHeard(folder, learn(answer, code)) : folder.heard;
  if (world === system.world && heard === folder.heard && broken === undefined) return;
  const folders = heard === folder.heard ? system.folders : turn.foldersWith(folder, { heard });
  const way = event.kind === 'renew' ? 'renew' : 'far';
  turn.go(
    way,
    `${event.kind} arrives`,
    writerOf(folder),
    { world, folders },
    broken ?? findUnapproved(system, folder, event, world),
  );
}

/** An answer that the runner is not waiting for is dropped. */
function addHeard({ heard, nonce, permitted, terraform }: Folder, news: Partial<Answers>): Answers {
  const waits = {
    ...(nonce !== null && { plan: null }),
    ...(permitted && { granted: false, denied: false }),
    ...(terraform !== 'locking' && { locked: false, lockDenied: false }),
  };
  const next: Answers = {
    plan: news.plan ?? heard.plan,
    granted: heard.granted || news.granted === true,
    denied: heard.denied || news.denied === true,
    locked: heard.locked || news.locked === true,
    lockDenied: heard.lockDenied || news.lockDenied === true,
    refused: heard.refused || news.refused === true,
    ...waits,
  };
  const same = (Object.keys(next) as (keyof Answers)[]).every((key) => next[key] === heard[key]);
  return same ? heard : next;
}

/** The last gate: what Terraform is about to do is what a person or auto-approval approved, and nobody has cancelled it. */
function findUnapproved(
  { world }: System,
  folder: Folder,
  event: TaskEvent,
  after: System['world'],
): string | undefined {
  if (event.kind !== 'lock_arrived' || permitOf(world.attempts, folder) === permitOf(after.attempts, folder))
    return undefined;
  const task = world.tasks.find(({ id }) => id === folder.taskId);
  const approved = task?.approval?.voidedAt === null && task.approval.planChecksum === folder.planChecksum;
  if (approved && task.cancelLevel === 0) return undefined;
  return `no apply of anything but what was approved, and none after a cancel: ${folder.attemptId} got its lock for ${folder.planChecksum}`;
}

const permitOf = (attempts: readonly Attempt[], { attemptId }: Folder): string | undefined =>
  attempts.find(({ id }) => id === attemptId)?.permit;
