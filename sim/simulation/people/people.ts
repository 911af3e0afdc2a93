import { newId, sha256Hex } from '@groundcrew/kit';
import { isTerminal, type StateVersionId, type TaskId, type WorkspaceId } from '@groundcrew/protocol';
import { type Actor, newTask, newWorkspace, type Task } from '@groundcrew/server/lifecycle';
import type { World as Fence } from '@groundcrew/server/lifecycle/world';
import type { Dice } from '../kernel/dice.ts';
import type { Database } from '../server/database.ts';
import { ServerRefusal } from '../server/refusal.ts';
import type { Server } from '../server/server.ts';
import { parseState, renderState } from '../terraform/plan-file.ts';
import type { World } from '../world.ts';

const BY: Actor = { kind: 'person', id: 'user-simulated', name: 'Ada' };
const MINUTE = 60_000;
/** Short enough that a seed sees them pass. */
const TIMEOUTS = { planTimeoutMs: 20 * MINUTE, applyTimeoutMs: 30 * MINUTE };

/** People who ask for tasks, and who do all that a person may do about them. */
export interface People {
  /** One of them does something, if there is something to do. */
  act(): void;
  /** They see to it that nothing waits for them any more, but for what needs attention. */
  attend(): void;
  /** The last resort: every task that needs attention is closed. */
  closeAll(): void;
}

/** More of them would show more of the same. */
const MOST_TASKS = 8;
const WORDS = ['hunter2&"x', 'correct horse battery', 'a/b+c=d==', 'ünïcode-pass', 'line one\nline two of it'];

export function createPeople(world: World, server: Server, dice: Dice): People {
  const { database } = server;
  const { trace } = world;
  const workspaces = Array.from({ length: dice.between(1, 3) }, () => makeWorkspace(database, dice));
  let arrivals = 0;

  /** Refusals are answers too. */
  function attempt(what: string, act: () => void): void {
    if (!server.isUp()) return;
    try {
      act();
      trace.note('people', what);
    } catch (error) {
      if (!(error instanceof ServerRefusal)) throw error;
      trace.note('people', `${what}: ${error.message}`);
    }
  }

  const fences = (): Fence[] => workspaces.map((id) => database.tables.fences.get(id) as Fence);
  const openTasks = (): { fence: Fence; task: Task }[] =>
    fences().flatMap((fence) => fence.tasks.filter((t) => !isTerminal(t.status)).map((task) => ({ fence, task })));

  function order(): void {
    const workspaceId = dice.pick(workspaces);
    const fence = database.tables.fences.get(workspaceId) as Fence;
    const type = dice.chance(0.8) ? 'plan_and_apply' : 'plan';
    const task = newTask(newId('task') as TaskId, type, dice.chance(0.6));
    const mood = dice.chance(0.08) ? 'failing' : dice.chance(0.1) ? 'idle' : 'usual';
    attempt(`ask for ${type} ${task.id}`, () => {
      arrivals += 1;
      database.tables.tasks.set(task.id, { workspaceId, arrival: arrivals, mood });
      database.save({ ...fence, tasks: [...fence.tasks, task] });
    });
  }

  const approve = (task: Task) =>
    attempt(`approve ${task.id}`, () =>
      database.decide(task.id, { kind: 'approve', planChecksum: task.plan?.checksum ?? '', by: BY }),
    );

  function cancel(task: Task): void {
    const level = dice.pick([1, 1, 1, 2, 3] as const);
    attempt(`cancel ${task.id} at level ${level}`, () =>
      database.decide(task.id, { kind: 'cancel', level, force: level > 1, by: BY }),
    );
  }

  const close = (task: Task) =>
    attempt(`close ${task.id}`, () =>
      database.decide(task.id, { kind: 'close', by: BY, confirmed: true, reason: 'simulated' }),
    );

  function toggleLock({ workspace: { id, lock } }: Fence): void {
    if (lock === null)
      attempt(`lock ${id}`, () => database.decideWorkspace(id, { kind: 'lock', by: BY, reason: 'busy', lockId: null }));
    else attempt(`unlock ${id}`, () => unlock(id));
  }

  const unlock = (id: WorkspaceId) =>
    void database.decideWorkspace(id, { kind: 'unlock', by: BY, lockId: null, acknowledged: true });

  /** A push of what is there, with the next serial. */
  function push({ workspace: { id, state } }: Fence): void {
    const bytes = state && database.tables.states.get(state.id);
    if (!bytes) return;
    const known = parseState(bytes);
    const text = Buffer.from(renderState({ ...known, serial: known.serial + 1 }));
    const version = newId('sv') as StateVersionId;
    attempt(`push a state to ${id}`, () => {
      const mark = { lineage: known.lineage, serial: known.serial + 1, checksum: sha256Hex(text) };
      database.keepState(version, text);
      const event = { how: 'push', by: BY, id: version, mark, newLineage: false, quarantined: null } as const;
      database.decideWorkspace(id, { kind: 'write_state', ...event });
    });
  }

  function act(): void {
    const open = openTasks();
    const waiting = open.filter(({ task }) => task.status === 'awaiting_approval');
    const draw = dice.next();
    const isQuiet = open.length < 3 && arrivals < MOST_TASKS;
    if (isQuiet && draw < 0.5) order();
    else if (waiting.length > 0 && draw < 0.8) approve(dice.pick(waiting).task);
    else if (draw < 0.84) toggleLock(dice.pick(fences()));
    else if (draw < 0.87) push(dice.pick(fences()));
    else actOnTask(draw, open[dice.between(0, Math.max(0, open.length - 1))]?.task);
  }

  function actOnTask(draw: number, task: Task | undefined): void {
    if (task === undefined) return;
    if (draw < 0.92) cancel(task);
    else if (draw < 0.94) close(task);
  }

  function openLocks(): void {
    for (const { workspace } of fences())
      if (workspace.lock !== null) attempt(`unlock ${workspace.id}`, () => unlock(workspace.id));
  }

  function discardStates(): void {
    for (const { workspace } of fences())
      for (const id of workspace.undecided)
        attempt(`discard state ${id}`, () =>
          database.decideWorkspace(workspace.id, { kind: 'discard_quarantined', id }),
        );
  }

  function decidePlans(): void {
    for (const { task } of openTasks().filter(({ task: { status } }) => status === 'awaiting_approval')) {
      if (dice.chance(0.8)) approve(task);
      else attempt(`discard ${task.id}`, () => database.decide(task.id, { kind: 'discard', by: BY }));
    }
  }

  return {
    act,
    attend() {
      openLocks();
      discardStates();
      decidePlans();
    },
    closeAll() {
      for (const { task } of openTasks()) if (task.status === 'needs_attention') close(task);
      openLocks();
    },
  };
}

function makeWorkspace(database: Database, dice: Dice): WorkspaceId {
  const id = newId('ws') as WorkspaceId;
  const secrets = Array.from(
    { length: dice.between(1, 3) },
    (_, at) => `${dice.pick(WORDS)}${at}${dice.between(0, 999_999)}`,
  );
  database.tables.secrets.set(id, secrets);
  database.save({ workspace: newWorkspace(id, TIMEOUTS), tasks: [], attempts: [] });
  return id;
}
