import type {
  AgentId,
  AttemptId,
  StateMark,
  StateVersionId,
  TaskId,
  TaskType,
  WorkspaceId,
} from '@groundcrew/protocol';
import {
  type Actor,
  type Attempt,
  type ExitRecord,
  newTask,
  newWorkspace,
  type Task,
  type Workspace,
} from './aggregate.ts';
import type { Decision, Refusal } from './change.ts';
import { nextDeadline } from './deadlines.ts';
import type { Effect } from './effects.ts';
import type { AnswerTo, TaskEvent, TaskEventKind, WorkspaceEvent, WorkspaceEventKind } from './events.ts';
import { START_FIGURES } from './figures.ts';
import { findViolations } from './move-invariants.ts';
import type { WorkspaceDecision } from './step-workspace.ts';
import { findAggregate, type Moved, stepFence, stepTask, type World } from './world.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const ANN: Actor = { kind: 'person', id: 'user-ann', name: 'Ann' };
export const BOB: Actor = { kind: 'person', id: 'user-bob', name: 'Bob' };

export const T1 = 'task-1' as TaskId;
export const T2 = 'task-2' as TaskId;
export const agentId = (n: number): AgentId => `agent-${n}` as AgentId;
export const stateId = (name: string): StateVersionId => `sv-${name}` as StateVersionId;

export const emptyWorld = (types: readonly { id: TaskId; type: TaskType; autoApprove: boolean }[]): World => ({
  workspace: newWorkspace('ws-1' as WorkspaceId, { planTimeoutMs: HOUR, applyTimeoutMs: 6 * HOUR }),
  tasks: types.map(({ id, type, autoApprove }) => newTask(id, type, autoApprove)),
  attempts: [],
});

export const exitRecord = (given: Partial<ExitRecord> = {}): ExitRecord => ({
  exitCode: 0,
  signal: null,
  failedAt: null,
  timedOut: false,
  logs: [],
  planChecksum: null,
  lastState: null,
  ...given,
});

export const mark = (serial: number, lineage = 'line'): StateMark => ({
  lineage,
  serial,
  checksum: `sum-${lineage}-${serial}`,
});

/** A world that a test moves along, event by event. Every move is checked against the invariants. */
export class Scenario {
  now = 1_000_000;
  world: World;
  effects: readonly Effect[] = [];
  readonly taskId: TaskId;
  #attempts = 0;
  #states = 0;

  constructor(world: World, taskId: TaskId = T1) {
    this.world = world;
    this.taskId = taskId;
  }

  get workspace(): Workspace {
    return this.world.workspace;
  }

  get task(): Task {
    return this.taskWith(this.taskId);
  }

  taskWith(id: TaskId): Task {
    const task = this.world.tasks.find((t) => t.id === id);
    if (!task) throw new Error(`no task ${id}`);
    return task;
  }

  /** The newest attempt of the task. */
  get attempt(): Attempt {
    const attempt = this.world.attempts.filter((a) => a.taskId === this.taskId).at(-1);
    if (!attempt) throw new Error('no attempt');
    return attempt;
  }

  get deadline(): number | null {
    const aggregate = findAggregate(this.world, { taskId: this.taskId });
    return aggregate ? nextDeadline(aggregate) : null;
  }

  /** Sends an event to the task; what comes from an attempt comes from the newest one, or from `attemptId`. */
  send<K extends TaskEventKind>(event: TaskEvent<K>, attemptId?: AttemptId): Decision<AnswerTo<K>> | Refusal {
    const own = attemptId ?? this.world.attempts.filter((a) => a.taskId === this.taskId).at(-1)?.id;
    const target = { taskId: this.taskId, ...(own && { attemptId: own }) };
    const moved = stepTask(this.world, target, event, this.now);
    if (!moved) throw new Error('no such task');
    return this.#take(moved);
  }

  /** As {@link send}, for an event that must be taken. */
  must<K extends TaskEventKind>(event: TaskEvent<K>, attemptId?: AttemptId): AnswerTo<K> {
    const result = this.send(event, attemptId);
    if (result.refused) throw new Error(`${event.kind} refused (${result.code}): ${result.sentence}`);
    return result.answer;
  }

  /** The code with which the event is refused; throws when it is taken. */
  refused<K extends TaskEventKind>(event: TaskEvent<K>, attemptId?: AttemptId): string {
    const before = this.world;
    const result = this.send(event, attemptId);
    if (!result.refused) throw new Error(`${event.kind} was taken`);
    if (this.world !== before) throw new Error('a refusal changed the world');
    return result.code;
  }

  fence<K extends WorkspaceEventKind>(event: WorkspaceEvent<K>): WorkspaceDecision<AnswerTo<K>> | Refusal {
    return this.#take(stepFence(this.world, event, this.now));
  }

  #take<R>({ world, result, effects }: Moved<R>): R {
    const violations = findViolations(this.world, world);
    if (violations.length > 0) throw new Error(violations.join('\n'));
    this.world = world;
    this.effects = effects;
    return result;
  }

  /** True when the last event had an effect of this kind. */
  had(kind: Effect['kind']): boolean {
    return this.effects.some((effect) => effect.kind === kind);
  }

  wait(ms: number): this {
    this.now += ms;
    return this;
  }

  /** Lets the time pass and the sweeper come by. */
  sleep(ms: number): this {
    this.wait(ms).must({ kind: 'tick' });
    return this;
  }

  assign(agent = 1): this {
    this.#attempts += 1;
    this.must({
      kind: 'assign',
      attemptId: `att-${this.taskId}-${this.#attempts}` as AttemptId,
      agentId: agentId(agent),
      firstInOrder: true,
    });
    return this;
  }

  accept(): this {
    this.must({ kind: 'accept', secretHash: `hash-${this.attempt.id}` });
    return this;
  }

  run(agent = 1): this {
    return this.assign(agent).accept();
  }

  storePlan(hasChanges = true): this {
    const { state } = this.workspace;
    const madeFrom = state && { lineage: state.lineage, serial: state.serial };
    this.must({ kind: 'plan_stored', checksum: 'plan-1', madeFrom, hasChanges });
    return this;
  }

  finish(given: Partial<ExitRecord> = {}): this {
    this.must({ kind: 'finish', record: exitRecord(given), logsIn: (given.logs ?? []).map((log) => log.phase) });
    return this;
  }

  planned(): this {
    return this.run().storePlan().finish({ planChecksum: 'plan-1' });
  }

  approve(): this {
    this.must({ kind: 'approve', planChecksum: 'plan-1', by: ANN });
    return this;
  }

  /** Up to the apply attempt that runs without permit. */
  approved(): this {
    return this.planned().approve();
  }

  askPermit(agentRevoked = false): AnswerTo<'permit_asked'> {
    return this.must({ kind: 'permit_asked', nonce: `nonce-${this.attempt.id}`, planChecksum: 'plan-1', agentRevoked });
  }

  permitted(): this {
    this.approved().run().askPermit();
    return this;
  }

  lock(): this {
    this.must({ kind: 'lock_arrived', nonce: `nonce-${this.attempt.id}`, lockId: 'tf-lock-1' });
    return this;
  }

  /** Up to Terraform applying. */
  applying(): this {
    return this.permitted().lock();
  }

  post(serial: number, lineage = 'line', attemptId?: AttemptId): AnswerTo<'state_posted'> {
    this.#states += 1;
    return this.must({ kind: 'state_posted', id: stateId(`${this.#states}`), mark: mark(serial, lineage) }, attemptId);
  }

  applied(): this {
    this.applying().post(1);
    return this.finish({ lastState: mark(1) });
  }

  push(serial: number, by: Actor = ANN): WorkspaceDecision<AnswerTo<'write_state'>> | Refusal {
    this.#states += 1;
    return this.fence({
      kind: 'write_state',
      how: 'push',
      by,
      id: stateId(`${this.#states}`),
      mark: mark(serial),
      newLineage: false,
      quarantined: null,
    });
  }

  lockWorkspace(by: Actor = ANN): this {
    this.fence({ kind: 'lock', by, reason: 'maintenance', lockId: null });
    return this;
  }

  unlockWorkspace(): this {
    this.fence({ kind: 'unlock', by: ANN, lockId: null, acknowledged: true });
    return this;
  }

  /** Lets time pass until the apply is abandoned. */
  abandon(): this {
    while (this.task.status === 'running') this.sleep((this.deadline ?? this.now) - this.now);
    return this;
  }

  close(confirmed = true): Decision<AnswerTo<'close'>> | Refusal {
    return this.send({ kind: 'close', by: ANN, confirmed, reason: 'the host burnt down' });
  }
}

/** A task that may apply, its plan approved by hand. */
export const applyTask = (): Scenario =>
  new Scenario(emptyWorld([{ id: T1, type: 'plan_and_apply', autoApprove: false }]));
/** A task whose attempt carries both phases. */
export const autoTask = (): Scenario =>
  new Scenario(emptyWorld([{ id: T1, type: 'plan_and_apply', autoApprove: true }]));
export const planTask = (): Scenario => new Scenario(emptyWorld([{ id: T1, type: 'plan', autoApprove: false }]));
export const FIGURES = START_FIGURES;
