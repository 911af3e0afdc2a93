import type { StateComparison } from '@groundcrew/protocol';
import type { Style } from '../terminal/style.ts';
import { formatFields } from '../terminal/table.ts';
import { formatTime } from './times.ts';

type Version = StateComparison['version'];

const describe = ({ version, serial, resource_count, standing, created_at }: Version): string =>
  `version ${version}, serial ${serial}, ${resource_count} resources, ${standing}, of ${formatTime(created_at)}`;

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** In one sentence, for whoever decides. */
export function summariseComparison({ added, removed, changed, unchanged, same_lineage }: StateComparison): string {
  const line = same_lineage ? '' : ' It belongs to another lineage.';
  return `It records ${plural(added.length, 'resource')} that the current state does not, lacks ${removed.length} of it, tells ${changed.length} otherwise and ${unchanged} alike.${line}`;
}

/** What a state holds that the current one does not: `+` only in it, `-` only in the current one, `~` told otherwise. */
export function formatComparison(comparison: StateComparison, style: Style): string {
  const { version, current, added, removed, changed, outputs, same_lineage } = comparison;
  const head = formatFields(
    [
      ['This', describe(version)],
      ['Current', current === null ? 'none' : describe(current)],
      [
        'Lineage',
        same_lineage ? version.lineage : style.red(`${version.lineage}, the current one ${current?.lineage}`),
      ],
    ],
    style,
  );
  const lines = [
    ...added.map((resource) => style.green(`+ ${name(resource)}`)),
    ...removed.map((resource) => style.red(`- ${name(resource)}`)),
    ...changed.map((resource) => style.yellow(`~ ${name(resource)}: ${resource.attributes.join(', ')}`)),
    ...outputs.added.map((output) => style.green(`+ output ${output}`)),
    ...outputs.removed.map((output) => style.red(`- output ${output}`)),
    ...outputs.changed.map((output) => style.yellow(`~ output ${output}`)),
  ];
  const body = lines.length === 0 ? 'They record the same.' : lines.join('\n');
  return `${head}\n\n${body}\n\n${summariseComparison(comparison)}`;
}

const name = ({ address, id, deposed }: StateComparison['added'][number]): string =>
  `${address}${deposed === null ? '' : ` (deposed ${deposed})`}${id === null ? '' : ` [${id}]`}`;
