import { formatDuration } from '@groundcrew/kit';
import { isTerminal, type Task } from '@groundcrew/protocol';
import { EXIT } from '../cli-error.ts';
import { formatChanges, formatStatus } from '../present/task.ts';
import type { Style } from '../terminal/style.ts';

/**
 * What the command ends with for a task that has ended, as Terraform itself would: 0 well, 1 failed, 130 cancelled; with
 * `detailed` a plan that found changes is 2. A task that needs attention has not ended well either; one of which only a phase was
 * followed has no verdict yet.
 */
export function exitCodeOf(task: Task, detailed: boolean): number {
  if (task.status === 'cancelled') return EXIT.cancelled;
  if (task.status === 'applied' || goesOn(task)) return EXIT.ok;
  if (task.status !== 'success') return EXIT.failed;
  return detailed && hasChanges(task) ? EXIT.changes : EXIT.ok;
}

/** Only a part of it was followed. */
const goesOn = ({ status }: Task): boolean => !isTerminal(status) && status !== 'needs_attention';

const hasChanges = (task: Task): boolean => task.plan?.has_changes ?? countChanges(task) > 0;
const countChanges = ({ changes_add, changes_change, changes_destroy, changes_import }: Task): number =>
  (changes_add ?? 0) + (changes_change ?? 0) + (changes_destroy ?? 0) + (changes_import ?? 0);

/** The last line of a followed task. */
export function formatVerdict(task: Task, style: Style): string {
  const took = task.duration === null ? '' : ` in ${formatDuration(task.duration * 1000)}`;
  const why = task.reason?.message ?? task.error_message;
  switch (task.status) {
    case 'applied':
      return style.green(`Applied ${task.workspace_name}${took}: ${formatDone(task)}.`);
    case 'success':
      return style.green(
        hasChanges(task)
          ? `Planned ${task.workspace_name}${took}: ${formatChanges(task)}.`
          : `No changes: ${task.workspace_name} is as its configuration says.`,
      );
    case 'cancelled':
      return style.yellow(`Cancelled. ${why ?? ''}`.trim());
    case 'needs_attention':
      return style.red(`${task.id} needs attention: ${why ?? 'something may have been applied that is not recorded.'}`);
    case 'failed':
      return style.red(`Failed${took}: ${why ?? 'see the log above.'}`);
    default:
      return `Task ${task.workspace_name} goes on: ${formatStatus(task.status, style)}.`;
  }
}

/** Counts of what was done, as Terraform tells it after an apply. */
const formatDone = ({ changes_add, changes_change, changes_destroy }: Task): string =>
  `${changes_add ?? 0} added, ${changes_change ?? 0} changed, ${changes_destroy ?? 0} destroyed`;
