import { formatDuration } from '@groundcrew/kit';
import type { Stage, ViewerFrame } from '@groundcrew/protocol';
import { formatTime } from '../present/times.ts';

export type TaskFrame = ViewerFrame & { type: 'task' };

const STAGE_WORDS: Record<Stage, string> = {
  fetching: 'fetching the configuration',
  init: 'terraform init',
  planning: 'planning',
  plan_saved: 'keeping the plan',
  applying: 'applying',
  saving_state: 'saving the state',
  completed: 'finishing',
};

/**
 * What a task is doing, without how long.
 *
 * @internal for tests
 */
export function describeTask({ status, stage, progress, waiting, contact_lost_since: lost }: TaskFrame): string {
  if (status === 'awaiting_approval') return 'waiting for approval';
  if (status === 'pending' || (waiting !== null && stage === null))
    return waiting === null ? 'waiting for an agent' : `waiting: ${waiting}`;
  if (status === 'needs_attention') return 'needs attention';
  if (lost) return `contact lost since ${formatTime(lost)}, may still be running`;
  const doing = stage === null ? 'starting' : STAGE_WORDS[stage];
  if (progress === null || progress.total === 0 || stage !== 'applying') return doing;
  const [first, ...others] = progress.running;
  const running = first === undefined ? '' : ` · ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`;
  return `${doing} ${progress.done}/${progress.total}${running}`;
}

/** The status line: what the task is doing, and since when. */
export const formatProgress = (frame: TaskFrame | undefined, elapsedMs: number): string => {
  const seconds = Math.floor(elapsedMs / 1000) * 1000;
  return `${frame === undefined ? 'connecting' : describeTask(frame)} · ${seconds < 60_000 ? `${seconds / 1000} s` : formatDuration(seconds)}`;
};
