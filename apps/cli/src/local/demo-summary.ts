import { formatBytes, formatDuration } from '@groundcrew/kit';
import type { LogStreamInfo, StateVersion, Task } from '@groundcrew/protocol';
import { formatOutputs } from '../present/state.ts';
import type { Style } from '../terminal/style.ts';
import { formatFields } from '../terminal/table.ts';

/** What the demonstration has shown. */
export interface DemoSummary {
  ok: boolean;
  tool: string;
  task: Task;
  logs: LogStreamInfo[];
  state: StateVersion;
  timings: { readyMs: number; taskMs: number; stopMs: number; totalMs: number };
}

export function formatSummary({ task, logs, state, timings }: DemoSummary, style: Style): string {
  const log = logs.map(
    ({ phase, length, complete }) => `${phase} ${formatBytes(length)}${complete ? '' : ' (incomplete)'}`,
  );
  const fields = formatFields(
    [
      ['Server', `ready in ${formatDuration(timings.readyMs)}, from an empty folder`],
      ['Task', `${task.id}, ${task.status} in ${formatDuration(timings.taskMs)} by agent ${task.agent_name ?? '?'}`],
      [
        'Resources',
        `${task.changes_add ?? 0} added, ${task.changes_change ?? 0} changed, ${task.changes_destroy ?? 0} destroyed`,
      ],
      ['Log', `${log.join(', ')}, kept on the server`],
      ['State', `version ${state.version}, serial ${state.serial}, ${formatBytes(state.size)}, encrypted`],
      ['Outputs', formatOutputs(state, style)],
      ['In all', formatDuration(timings.totalMs)],
    ],
    style,
  );
  return `\n${fields}`;
}
