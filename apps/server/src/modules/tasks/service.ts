import { newId } from '@groundcrew/kit';
import type {
  ApproveRequest,
  CancelRequest,
  CloseRequest,
  OrganizationId,
  Page,
  PlanDetails,
  QueueExplanation,
  Task,
  TaskCreate,
  TaskEvent,
  TaskId,
  TaskListQuery,
  TaskVerdict,
  WorkspaceId,
} from '@groundcrew/protocol';
import { type Database, type Executor, transaction } from '../../platform/database/index.ts';
import {
  AppError,
  decodeCursor,
  decodeNumberCursor,
  reachOf,
  toPage,
  type UserCaller,
} from '../../platform/http/index.ts';
import type { RecordChange } from '../audit/index.ts';
import type { Decider } from './decide.ts';
import type { QueueView } from './dispatch/index.ts';
import { listTaskEvents } from './history-store.ts';
import { presentTask } from './present.ts';
import { choosePriority } from './priority.ts';
import { explainOther } from './queue-state.ts';
import * as store from './store.ts';
import { findVerdictKind, toVerdict } from './verdict.ts';
import { findVerdictFacts } from './verdict-store.ts';
import * as views from './view-store.ts';

export interface TasksDeps {
  db: Database;
  decider: Decider;
  recordChange: RecordChange;
  wakeDispatcher: () => void;
  /** Id of a workspace by id or name; throws not-found. */
  getWorkspaceId: (organizationId: OrganizationId, idOrName: string) => Promise<WorkspaceId>;
  queue: Pick<QueueView, 'explain'>;
}

/** Tasks as people and pipelines use them. */
export function createTasksService(deps: TasksDeps) {
  const { db, decider, recordChange } = deps;
  const personOf = (caller: UserCaller) => ({ kind: 'person', id: caller.userId, name: caller.name }) as const;

  async function create(caller: UserCaller, body: TaskCreate): Promise<Task> {
    const id = newId('task') as TaskId;
    const priority = choosePriority(caller, body.priority);
    await transaction(db, async (tx) => {
      const origin = await getOrigin(tx, caller, body);
      // A workspace's setting speaks for those who may apply; anybody else's plan waits for one of them.
      const may = body.task_type === 'plan_and_apply' && caller.permissions.has('task:apply');
      const autoApprove = may && (body.auto_approve ?? origin.auto_approve);
      const owner = { organization_id: caller.organizationId, created_by: caller.name };
      const sentence = `${caller.name} asked for ${describe(body)}.`;
      const change = { caller, action: 'create', noun: 'task', subjectId: id, subjectName: origin.name } as const;
      const after = {
        task_type: body.task_type,
        destroy: body.destroy,
        auto_approve: autoApprove,
        message: body.message,
      };
      await Promise.all([
        store.insertTask(
          tx,
          { ...toColumns(body, origin), ...owner, id, priority, auto_approve: autoApprove },
          sentence,
        ),
        recordChange(tx, { ...change, workspaceId: origin.workspace_id, after }),
      ]);
    });
    deps.wakeDispatcher();
    return get(caller, id);
  }

  /** Errors: `not_found`, `forbidden`, and what could never run. */
  async function getOrigin(tx: Executor, caller: UserCaller, body: TaskCreate): Promise<store.TaskOrigin> {
    const origin = await store.findOrigin(tx, caller.organizationId, body.workspace_id, body.configuration_id);
    if (origin === undefined)
      throw new AppError(
        'not_found',
        `There is no workspace ${body.workspace_id}; "groundcrew workspace list" shows those there are.`,
      );
    refuseUnready(origin, body);
    if (body.task_type === 'plan_and_apply' && body.auto_approve === true && !caller.permissions.has('task:apply'))
      throw new AppError(
        'forbidden',
        'An auto-approved apply needs the permission task:apply; leave auto_approve out and let somebody approve the plan.',
      );
    return origin;
  }

  async function find(caller: UserCaller, id: TaskId): Promise<views.TaskView> {
    const task = await views.findTask(db, caller.organizationId, id);
    if (task === undefined) throw new AppError('not_found', `There is no task ${id}.`);
    return task;
  }

  async function get(caller: UserCaller, id: TaskId): Promise<Task> {
    const task = await find(caller, id);
    return { ...presentTask(task), verdict: await findVerdict(caller, task) };
  }

  async function findVerdict(caller: UserCaller, task: views.TaskView): Promise<TaskVerdict | null> {
    const kind = findVerdictKind(task);
    if (kind === undefined) return null;
    const id = task.id as TaskId;
    return toVerdict(task, kind, await findVerdictFacts(db, caller.organizationId, id, task.newest_attempt_id));
  }

  async function list(caller: UserCaller, query: TaskListQuery): Promise<Page<Task>> {
    const workspaceId =
      query.workspace_id === undefined
        ? undefined
        : await deps.getWorkspaceId(caller.organizationId, query.workspace_id);
    const among = reachOf(caller.rights, 'task:read');
    if (workspaceId !== undefined && among?.includes(workspaceId) === false)
      throw new AppError('not_found', `There is no workspace ${query.workspace_id} whose tasks you may see.`);
    const before = query.cursor === undefined ? undefined : decodeNumberCursor(query.cursor);
    const rows = await views.listTasks(db, {
      organizationId: caller.organizationId,
      workspaceId,
      among,
      status: query.status,
      active: query.active,
      before,
      limit: query.limit + 1,
    });
    return toPage(rows, query.limit, presentTask, (row) => String(row.seq));
  }

  /** @param agentId an agent of the caller's organisation */
  async function listOfAgent(
    { organizationId, rights }: UserCaller,
    { agentId, limit, cursor }: { agentId: string; limit: number; cursor?: string | undefined },
  ): Promise<Page<Task>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const among = reachOf(rights, 'task:read');
    const rows = await views.listTasksOfAgent(db, { organizationId, agentId, among, after, limit: limit + 1 });
    return toPage(
      rows,
      limit,
      ({ task }) => presentTask(task),
      ({ attemptId }) => attemptId,
    );
  }

  /** Approves the very plan the caller names by checksum. */
  async function approve(caller: UserCaller, id: TaskId, body: ApproveRequest): Promise<Task> {
    const task = await find(caller, id);
    await decider.decide(
      id,
      { kind: 'approve', planChecksum: body.plan_checksum, by: personOf(caller) },
      {
        extra: body.comment,
        also: audit(caller, task, 'approve', { plan_checksum: body.plan_checksum, comment: body.comment }),
      },
    );
    return get(caller, id);
  }

  async function discard(caller: UserCaller, id: TaskId, reason: string): Promise<Task> {
    const task = await find(caller, id);
    await decider.decide(
      id,
      { kind: 'discard', by: personOf(caller) },
      { also: audit(caller, task, 'discard', { reason }) },
    );
    return get(caller, id);
  }

  async function cancel(caller: UserCaller, id: TaskId, body: CancelRequest): Promise<Task> {
    const task = await find(caller, id);
    await decider.decide(
      id,
      { kind: 'cancel', level: body.level, force: body.force, by: personOf(caller) },
      { also: audit(caller, task, 'cancel', { level: body.level, force: body.force, reason: body.reason }) },
    );
    return get(caller, id);
  }

  /** Ends what nothing else can end. The workspace's name, typed, is what confirms the warning. */
  async function close(caller: UserCaller, id: TaskId, { workspace, reason }: CloseRequest): Promise<Task> {
    const task = await find(caller, id);
    await decider.decide(
      id,
      { kind: 'close', by: personOf(caller), confirmed: workspace === task.workspace_name, reason },
      { also: audit(caller, task, 'close', { reason }) },
    );
    return get(caller, id);
  }

  const audit =
    (caller: UserCaller, task: views.TaskView, action: string, after: Record<string, unknown>) =>
    async (tx: Parameters<RecordChange>[0]) =>
      recordChange(tx, { caller, action, noun: 'task', subjectId: task.id, workspaceId: task.workspace_id, after });

  async function plan(caller: UserCaller, id: TaskId): Promise<PlanDetails> {
    const details = await store.findPlanDetails(db, caller.organizationId, id);
    if (details === undefined) throw new AppError('not_found', `There is no task ${id}.`);
    if (details === null) throw new AppError('not_found', `Task ${id} has no plan yet.`);
    return details;
  }

  async function events(
    caller: UserCaller,
    id: TaskId,
    query: { limit: number; cursor?: string | undefined },
  ): Promise<Page<TaskEvent>> {
    await find(caller, id);
    const after = query.cursor === undefined ? 0 : decodeNumberCursor(query.cursor);
    const rows = await listTaskEvents(db, caller.organizationId, id, after, query.limit + 1);
    return toPage(
      rows,
      query.limit,
      (row) => ({ ...row, at: row.at.toISOString() }),
      (row) => String(row.seq),
    );
  }

  /** What holds it: asked of the queue while it waits for an agent, else told from where it is. */
  async function explain(caller: UserCaller, id: TaskId): Promise<QueueExplanation> {
    const { status, attempt_id } = await find(caller, id);
    const waits = status === 'pending' && attempt_id === null;
    const waiting = waits ? await deps.queue.explain(caller.organizationId, id) : undefined;
    if (waiting === undefined) return explainOther(await get(caller, id), !waits);
    // A right on the workspace alone shows the task; the agents, on which others have their work too, are the organisation's.
    return caller.permissions.has('agent:read') ? waiting : { ...waiting, agents: [] };
  }

  return {
    create,
    find,
    get,
    list,
    listOfAgent,
    approve,
    discard,
    cancel,
    close,
    plan,
    events,
    attempts: (caller: UserCaller, id: TaskId) => views.listAttempts(db, caller.organizationId, id),
    explain,
    /** For viewers, whose right was checked when they came. */
    findView: (organizationId: OrganizationId, id: TaskId) => views.findTask(db, organizationId, id),
  };
}
export type TasksService = ReturnType<typeof createTasksService>;

const toColumns = (body: TaskCreate, origin: store.TaskOrigin) => ({
  workspace_id: origin.workspace_id,
  task_type: body.task_type,
  destroy: body.destroy,
  refresh_only: body.refresh_only,
  targets: JSON.stringify(body.targets),
  replace: JSON.stringify(body.replace),
  parallelism: body.parallelism,
  configuration_id: origin.configuration_id,
  resource_versions: JSON.stringify(origin.resource_versions),
  pool_id: origin.pool_id,
  message: body.message,
  context: JSON.stringify(body.context),
});

/** Says before anything is queued what could never run. */
function refuseUnready(origin: store.TaskOrigin, body: TaskCreate): void {
  if (!origin.configuration_found)
    throw new AppError('not_found', `Workspace ${origin.name} has no configuration ${body.configuration_id}.`);
  if (origin.configuration_id === null && origin.tf_code === null && origin.resource_versions.length === 0)
    throw new AppError(
      'conflict',
      `Workspace ${origin.name} has no configuration yet; "groundcrew push <dir> --workspace ${origin.name}" uploads one.`,
    );
  if (origin.pool_id !== null) return;
  if (origin.execution_mode === 'k8s')
    throw new AppError(
      'conflict',
      `Workspace ${origin.name} runs in mode k8s, which this server does not offer yet; use mode server or agent.`,
    );
  throw new AppError(
    'conflict',
    `Workspace ${origin.name} runs in mode ${origin.execution_mode} but no agent pool is set; set agent_pool_id or use mode server.`,
  );
}

function describe(body: TaskCreate): string {
  const what = body.task_type === 'plan' ? 'a plan' : 'a plan and apply';
  if (body.destroy) return `${what} that destroys everything`;
  return body.refresh_only ? `${what} that only refreshes the state` : what;
}
