import type { Variable, Workspace } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatFields, formatTable } from '../terminal/table.ts';
import { formatAgo, formatTime } from './times.ts';

const formatTool = ({ tool, terraform_version }: Workspace): string =>
  `${tool} ${terraform_version ?? '(as the agent has it)'}`;

const formatLock = ({ locked }: Workspace, style: Style): string | null =>
  locked && style.yellow(`by ${locked.by}${locked.reason === '' ? '' : `: ${locked.reason}`}`);

const formatResources = ({ tf_state }: Workspace): string =>
  tf_state === null ? '–' : `${tf_state.resource_count} (version ${tf_state.version})`;

export function formatWorkspaces(workspaces: readonly Workspace[], style: Style, now: number): string {
  if (workspaces.length === 0) return 'No workspaces.';
  const rows = workspaces.map((workspace) => [
    workspace.name,
    workspace.execution_mode,
    formatResources(workspace),
    workspace.locked ? style.yellow('locked') : '',
    formatAgo(workspace.updated_at, now),
    workspace.description,
  ]);
  return formatTable(['WORKSPACE', 'RUNS ON', 'RESOURCES', 'LOCK', 'CHANGED', 'DESCRIPTION'], rows, style);
}

export function formatWorkspace(workspace: Workspace, style: Style): string {
  return formatFields(
    [
      ['Workspace', workspace.name],
      ['Id', workspace.workspace_id],
      ['Description', workspace.description],
      ['Tool', formatTool(workspace)],
      ['Runs on', `${workspace.execution_mode}${workspace.agent_pool_id ? ` (${workspace.agent_pool_id})` : ''}`],
      ['Labels', workspace.labels.join(', ')],
      ['Approves itself', workspace.auto_approve ? 'yes' : 'no'],
      ['Folder', workspace.working_directory],
      ['Configuration', workspace.configuration_id ?? 'none yet; push a folder'],
      ['Resources', formatResources(workspace)],
      ['Locked', formatLock(workspace, style)],
      [
        'Not proved dead',
        (workspace.unproven_attempts ?? [])
          .map(({ attempt_number, task_id }) => style.red(`attempt ${attempt_number} of ${task_id}`))
          .join('\n'),
      ],
      ['Held by', workspace.hold_task_id],
      [
        'Quarantine',
        workspace.quarantined_states ? style.red(`${workspace.quarantined_states} states to decide about`) : null,
      ],
      ['Created', formatTime(workspace.created_at)],
    ],
    style,
  );
}

export function formatVariables(variables: readonly Variable[], style: Style): string {
  if (variables.length === 0) return 'No variables.';
  const rows = variables.map((variable) => [
    variable.key,
    variable.category,
    variable.sensitive ? style.dim('(sensitive)') : shorten(variable.value ?? ''),
    [variable.hcl ? 'hcl' : '', variable.sensitive ? 'sensitive' : ''].filter(Boolean).join(', '),
    variable.description,
  ]);
  return formatTable(['VARIABLE', 'KIND', 'VALUE', 'FLAGS', 'DESCRIPTION'], rows, style);
}

/** One line of a value. */
const shorten = (value: string): string => {
  const line = value.replaceAll('\n', '⏎');
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
};
