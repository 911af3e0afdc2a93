import { formatBytes } from '@groundcrew/kit';
import type { StateVersion } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatFields, formatTable } from '../terminal/table.ts';
import { formatAgo, formatTime } from './times.ts';

const formatStanding = (standing: StateVersion['standing'], style: Style): string => {
  if (standing === 'current') return style.green(standing);
  return standing === 'quarantined' ? style.red(standing) : standing;
};

export function formatStateVersions(versions: readonly StateVersion[], style: Style, now: number): string {
  if (versions.length === 0) return 'No state yet.';
  const rows = versions.map((version) => [
    String(version.version),
    String(version.serial),
    String(version.resource_count),
    formatBytes(version.size),
    formatStanding(version.standing, style),
    formatAgo(version.created_at, now),
    version.created_by,
    version.task_id ?? '',
    version.message,
  ]);
  return formatTable(
    ['VERSION', 'SERIAL', 'RESOURCES', 'SIZE', 'STANDING', 'CREATED', 'BY', 'TASK', 'MESSAGE'],
    rows,
    style,
  );
}

/** `name = value`, one a line; of a sensitive one only that it is there. */
export const formatOutputs = ({ outputs }: Pick<StateVersion, 'outputs'>, style: Style): string =>
  Object.entries(outputs)
    .map(([name, { sensitive, value }]) => `${name} = ${sensitive ? style.dim('(sensitive)') : JSON.stringify(value)}`)
    .join('\n');

export function formatStateVersion(version: StateVersion, style: Style): string {
  return formatFields(
    [
      ['Version', String(version.version)],
      ['Id', version.id],
      ['Standing', formatStanding(version.standing, style)],
      ['', version.standing_reason],
      ['Serial', String(version.serial)],
      ['Lineage', version.lineage],
      ['Resources', String(version.resource_count)],
      ['Size', formatBytes(version.size)],
      ['Checksum', version.checksum],
      ['Terraform', version.terraform_version],
      ['Task', version.task_id],
      ['Created', `${formatTime(version.created_at)} by ${version.created_by}`],
      ['Message', version.message],
      ['Outputs', formatOutputs(version, style)],
    ],
    style,
  );
}
