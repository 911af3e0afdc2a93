import type { Attempt, ExitRecord, Task } from '@groundcrew/server/lifecycle';
import type { World } from '@groundcrew/server/lifecycle/world';
import type { Folder } from './folder.ts';
import { NOW, type System } from './system.ts';

/**
 * Writes a system down as bytes, the same for systems that differ only in what decides nothing: names of attempts and agents,
 * instants, numbers of epochs, sentences. Attempts are named by their place, epochs by their order, deadlines by whether they have
 * passed. With a backup around, attempts keep their names: the copy speaks of them too.
 */
export function createEncoder(): (system: System) => Uint8Array {
  let bytes = new Uint8Array(256);
  let length = 0;
  let words = new Map<string, number>();
  let named = false;
  const known = new Map<string, number>();

  const put = (...values: readonly number[]): void => {
    if (length + values.length > bytes.length) {
      const larger = new Uint8Array(bytes.length * 2);
      larger.set(bytes);
      bytes = larger;
    }
    for (const value of values) bytes[length++] = value;
  };

  /** A word out of a closed list that nobody has to write down: numbered as it is first met. Always the same in one process. */
  const code = (word: string | number | boolean | null | undefined): number => {
    const text = String(word);
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size > 254) throw new Error('more words than a byte has numbers');
    known.set(text, known.size + 1);
    return known.size;
  };

  /** A name out of an open list, replaced by the order in which this system speaks of it. */
  const name = (text: string | null | undefined): number => {
    if (text === null || text === undefined) return 0;
    const found = words.get(text);
    if (found !== undefined) return found;
    words.set(text, words.size + 1);
    return words.size;
  };

  const number = (attemptId: string): number => (named ? Number(attemptId.slice('att-'.length)) : 0);

  function putWorld(world: World): void {
    const { workspace, tasks, attempts } = world;
    const epochs = [workspace.holderEpoch, ...attempts.map(({ epoch }) => epoch)].sort((a, b) => a - b);
    put(tasks.length, attempts.length, epochs.indexOf(workspace.holderEpoch));
    for (const attempt of attempts) put(name(attempt.id), number(attempt.id), epochs.indexOf(attempt.epoch));
    putWorkspace(world);
    for (const task of tasks)
      putTask(
        task,
        attempts.find(({ id }) => id === task.attemptId),
      );
    for (const attempt of attempts)
      putAttempt(
        attempt,
        tasks.find(({ id }) => id === attempt.taskId),
      );
  }

  function putWorkspace({ workspace }: World): void {
    const { hold, lock, permit, marks, state, undecided } = workspace;
    put(code(hold), name(permit), state === null ? 0 : state.serial + 1, marks.length, undecided.length);
    put(lock === null ? 0 : code(lock.by.kind === 'person' ? `${lock.by.id} ${lock.lockId}` : 'system'));
    for (const mark of marks) put(name(mark.attemptId));
    for (const id of undecided) put(name(id));
  }

  function putTask(task: Task, attempt: Attempt | undefined): void {
    const { plan, approval } = task;
    put(code(task.status), reason(task), task.attempts === 0 ? 0 : 1);
    if (task.completedAt !== null) return;
    put(code(task.phase), task.cancelLevel, name(task.attemptId));
    // An apply under way never comes back to the queue, so it does not matter any more how often it did.
    if (attempt?.permit !== 'used') put(task.returns.length, task.losses);
    if (plan === null) put(0);
    else put(1, name(plan.attemptId), name(plan.checksum), ref(plan.madeFrom?.serial), code(plan.hasChanges));
    if (approval === null || approval.voidedAt !== null) put(approval === null ? 0 : 1);
    else put(2, name(approval.planChecksum), ref(approval.madeFrom?.serial));
  }

  function putAttempt(a: Attempt, task: Task | undefined): void {
    put(code(a.taskId), code(a.state));
    // Whatever is said for it is turned away or kept beside the task.
    if (a.state === 'ended' && a.permit !== 'used' && a.states.length === 0) return;
    put(
      code(a.outcome === 'closed'),
      code(a.permit),
      a.interrupted ? 1 : 0,
      a.states.length,
      a.lateFinish === null ? 0 : 1,
    );
    for (const { id, standing } of a.states) put(name(id), code(standing));
    if (a.state !== 'ended') putOpen(a, task);
  }

  function putOpen(a: Attempt, task: Task | undefined): void {
    put(code(a.action), name(a.agentId), name(a.nonce), name(a.lockId), a.logsIn.length);
    put(deadline(a.offerExpiresAt), deadline(a.giveUpAt), deadline(a.stopBy), deadline(a.settleBy));
    put(task?.cancelLevel === 0 ? deadline(a.timeoutAt) : 0);
    put(a.permit === 'used' && a.state === 'running' ? deadline(a.leaseUntil) : 0);
    putRecord(a.finish);
  }

  function putRecord(record: ExitRecord | null): void {
    if (record === null) put(0);
    else
      put(
        record.exitCode === 0 ? 1 : 2,
        name(record.planChecksum),
        name(record.lastState?.checksum),
        code(record.failedAt),
      );
  }

  function putFolder(f: Folder): void {
    put(name(f.attemptId), number(f.attemptId), f.copy ? 1 : 0, code(f.host));
    if (f.host === 'ghost') return;
    put(
      f.runnerLives ? 1 : 0,
      name(f.planChecksum),
      ref(f.madeFrom),
      code(f.report),
      code(f.terraform),
      code(f.exit),
      code(f.fate),
    );
    put(
      bits(f.begun, f.stored, f.permitted, f.lockAnswered, f.acted),
      name(f.nonce),
      name(f.writer),
      f.base,
      f.written,
    );
    put(code(f.heard.plan), bits(f.heard.granted, f.heard.denied, f.heard.locked, f.heard.lockDenied, f.heard.refused));
  }

  return (system) => {
    length = 0;
    words = new Map();
    put(system.left, system.restored ? 1 : 0, system.folders.length);
    named = system.restored || system.backup !== null;
    putWorld(system.world);
    for (const folder of system.folders) putFolder(folder);
    for (const agentId of system.revoked) put(name(agentId));
    if (system.backup !== null) putWorld(system.backup);
    return bytes.subarray(0, length);
  };
}

/** The reasons that anything depends on. */
const REASONS: readonly string[] = ['abandoned', 'restored', 'discarded'];
const reason = (task: Task): number => REASONS.indexOf(task.reason?.code ?? '') + 1;

const ref = (serial: number | null | undefined): number => (serial === null || serial === undefined ? 0 : serial + 1);
/** None, to come, passed. */
const deadline = (at: number | null): number => (at === null ? 0 : at > NOW ? 1 : 2);
const bits = (...flags: readonly boolean[]): number => flags.reduce((sum, flag) => sum * 2 + (flag ? 1 : 0), 0);
