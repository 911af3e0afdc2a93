import type { Attempt, ExitRecord, Task } from '@groundcrew/server/tasks/lifecycle';
import type { World } from '@groundcrew/server/tasks/world';
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
    for (const task of tasks) putTask(task);
    for (const attempt of attempts) putAttempt(attempt);
  }

  function putWorkspace({ workspace }: World): void {
    const { hold, lock, permit, marks, state, undecided } = workspace;
    put(code(hold), name(permit), state === null ? 0 : state.serial + 1, marks.length, undecided.length);
    put(lock === null ? 0 : code(lock.by.kind === 'person' ? `${lock.by.id} ${lock.lockId}` : 'system'));
    for (const mark of marks) put(name(mark.attemptId));
    for (const id of undecided) put(name(id));
  }

  function putTask(task: Task): void {
    const { plan, approval } = task;
    put(code(task.status), code(task.phase), code(task.reason?.code), task.cancelLevel, code(task.cancelCause));
    put(task.returns.length, task.losses, task.attempts === 0 ? 0 : 1, name(task.attemptId));
    if (plan === null) put(0);
    else put(1, name(plan.attemptId), name(plan.checksum), ref(plan.madeFrom?.serial), code(plan.hasChanges));
    if (approval === null || approval.voidedAt !== null) put(approval === null ? 0 : 1);
    else put(2, name(approval.planChecksum), ref(approval.madeFrom?.serial));
  }

  function putAttempt(a: Attempt): void {
    put(code(a.taskId), code(a.action), code(a.state), code(a.outcome), code(a.permit), a.interrupted ? 1 : 0);
    if (a.state !== 'ended') {
      put(name(a.agentId), name(a.nonce), name(a.lockId));
      put(
        deadline(a.offerExpiresAt),
        deadline(a.giveUpAt),
        deadline(a.timeoutAt),
        deadline(a.stopBy),
        deadline(a.settleBy),
      );
      put(a.permit === 'used' && a.state === 'running' ? deadline(a.leaseUntil) : 0);
    }
    putRecord(a.finish);
    // Of an attempt that nobody waits for it only matters whether it was heard of.
    put(a.lateFinish === null ? 0 : 1, a.logsIn.length, a.states.length);
    for (const { id, standing } of a.states) put(name(id), code(standing));
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
    put(bits(f.begun, f.stored, f.permitted, f.lockAnswered), name(f.nonce), f.base, f.written);
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

const ref = (serial: number | null | undefined): number => (serial === null || serial === undefined ? 0 : serial + 1);
/** None, to come, passed. */
const deadline = (at: number | null): number => (at === null ? 0 : at > NOW ? 1 : 2);
const bits = (...flags: readonly boolean[]): number => flags.reduce((sum, flag) => sum * 2 + (flag ? 1 : 0), 0);
