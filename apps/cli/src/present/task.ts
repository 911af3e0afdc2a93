import { formatDuration } from '@groundcrew/kit';
import type { Task, TaskStatus } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatFields, formatTable } from '../terminal/table.ts';
import { formatAgo, formatTime } from './times.ts';

/** Statuses as people read them. */
const STATUS_WORDS: Record<TaskStatus, string> = {
  pending: 'waiting',
  running: 'running',
  awaiting_approval: 'awaiting approval',
  success: 'success',
  applied: 'applied',
  failed: 'failed',
  cancelled: 'cancelled',
  needs_attention: 'needs attention',
};

export function formatStatus(status: TaskStatus, style: Style): string {
  const word = STATUS_WORDS[status];
  if (status === 'applied' || status === 'success') return style.green(word);
  if (status === 'failed' || status === 'needs_attention') return style.red(word);
  return status === 'running' ? style.cyan(word) : style.yellow(word);
}

/** What a task was asked to do, in words. */
export function formatKind(task: Pick<Task, 'task_type' | 'destroy' | 'refresh_only'>): string {
  const verb = task.task_type === 'plan' ? 'plan' : 'plan and apply';
  if (task.destroy) return `${verb}, destroy`;
  return task.refresh_only ? `${verb}, refresh only` : verb;
}

type Counts = Pick<Task, 'changes_add' | 'changes_change' | 'changes_destroy' | 'changes_replace' | 'changes_import'>;

/** `4 to add, 0 to change, 0 to destroy`, as Terraform counts; undefined before there is a plan. */
export function formatChanges(task: Counts): string | undefined {
  if (task.changes_add === null) return undefined;
  const base = `${task.changes_add} to add, ${task.changes_change ?? 0} to change, ${task.changes_destroy ?? 0} to destroy`;
  const replaced = task.changes_replace ? ` (${task.changes_replace} of them replaced)` : '';
  return `${task.changes_import ? `${task.changes_import} to import, ` : ''}${base}${replaced}`;
}

const shortChanges = (task: Counts): string =>
  task.changes_add === null ? '' : `+${task.changes_add} ~${task.changes_change ?? 0} -${task.changes_destroy ?? 0}`;

export function formatTasks(tasks: readonly Task[], style: Style, now: number): string {
  if (tasks.length === 0) return 'No tasks.';
  const rows = tasks.map((task) => [
    task.id,
    task.workspace_name,
    formatKind(task),
    task.contact_lost_since === null ? formatStatus(task.status, style) : style.red('contact lost'),
    shortChanges(task),
    formatAgo(task.created_at, now),
    task.created_by,
  ]);
  return formatTable(['TASK', 'WORKSPACE', 'ASKED FOR', 'STATUS', 'CHANGES', 'CREATED', 'BY'], rows, style);
}

export function formatTask(task: Task, style: Style): string {
  return formatFields(
    [
      ['Task', task.id],
      ['Workspace', task.workspace_name],
      ['Asked for', `${formatKind(task)} by ${task.created_by}`],
      [
        'Status',
        `${formatStatus(task.status, style)}${task.stage && task.status === 'running' ? ` (${task.stage})` : ''}`,
      ],
      ['Waits', task.waiting?.message],
      ['Reason', task.reason?.message],
      ['Changes', formatChanges(task)],
      ['Progress', task.progress && `${task.progress.done} of ${task.progress.total} resources`],
      ['Agent', task.agent_name],
      [
        'Contact lost',
        task.contact_lost_since && `since ${formatTime(task.contact_lost_since)}; it may still be running`,
      ],
      ['Targets', task.targets.join(', ')],
      ['Replace', task.replace.join(', ')],
      ['Message', task.message],
      ['Created', formatTime(task.created_at)],
      ['Took', task.duration === null ? null : formatDuration(task.duration * 1000)],
      ['Plan expires', task.status === 'awaiting_approval' ? formatTime(task.plan?.expires_at ?? null) : null],
      ['Error', task.error_message],
    ],
    style,
  );
}
