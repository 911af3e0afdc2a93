import type { Task, TaskVerdict, UnrecordedResource } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { formatTime } from './times.ts';

/** Lists longer than this are cut on a terminal; `--json` has all. */
const SHOWN_AT_MOST = 50;

/** What is known of a task that cannot go on by itself, and what a person can type; nothing for any other. */
export function formatTaskVerdict({ verdict }: Task, style: Style, commandName: string): string {
  if (!verdict) return '';
  const parts = [
    style.red(verdict.message),
    verdict.warning === null ? '' : style.yellow(verdict.warning),
    formatLastState(verdict),
    formatUnrecorded(verdict.unrecorded, style),
    formatWaysOut(verdict, style, commandName),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function formatLastState({ last_state, attempt }: TaskVerdict): string {
  if (attempt === null) return '';
  return last_state === null
    ? `No state of attempt ${attempt.number} has arrived.`
    : `Its last state here is version ${last_state.version} (serial ${last_state.serial}), of ${formatTime(last_state.created_at)}.`;
}

function formatUnrecorded(resources: readonly UnrecordedResource[], style: Style): string {
  if (resources.length === 0) return '';
  const rows = resources.slice(0, SHOWN_AT_MOST).map(({ address, action, id }) => [address, action, id ?? '']);
  const rest = resources.length - rows.length;
  const table = formatTable(['CHANGED, BUT NOT RECORDED', 'ACTION', 'ID'], rows, style);
  return rest > 0 ? `${table}\n… and ${rest} more; --json lists them all.` : table;
}

function formatWaysOut({ ways_out }: TaskVerdict, style: Style, commandName: string): string {
  const lines = ways_out.map(({ sentence, command }) =>
    command === null ? `- ${sentence}` : `- ${sentence}\n    ${style.bold(`${commandName} ${command}`)}`,
  );
  return lines.length === 0 ? '' : `What you can do:\n${lines.join('\n')}`;
}
