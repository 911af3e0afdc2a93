import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { config } from '@groundcrew/kit';
import { describeAgentConfiguration } from './read.ts';
import { HOT_KEYS } from './spec.ts';

const PATH = fileURLToPath(new URL('../../../../docs/agent-configuration.md', import.meta.url));

const HEAD = `# Configuration of an agent

<!-- Generated from apps/agent/src/configuration/spec.ts by \`node apps/agent/src/configuration/reference.ts --write\`; do not edit. -->

An agent reads a YAML file, \`groundcrew agent --config agent.yaml\`, and the environment, which wins over the file. Empty variables
count as not set; so do empty keys, unless the table says what empty means. A secret can be given as the path of a file instead: its
key with \`_file\`, or its variable with \`_FILE\` at the end. Durations are written \`30s\`, \`5m\`, \`1h30m\`; bare numbers are seconds.
Lists in variables are separated by commas. All mistakes are told at once, each with its key, where it stands, what was found and what
is allowed.

\`hot\`: a new value counts as soon as the configuration is read again, see [agent.md](agent.md#reloading). Every other key counts from
the next start on.
`;

/** The reference as Markdown: a table for each section of the file. */
export function formatReference(): string {
  const sections = Map.groupBy(describeAgentConfiguration(), ({ key }) => key.split('.').slice(0, -1).join('.'));
  const tables = [...sections].map(([section, rows]) => formatSection(section, rows));
  return `${HEAD}\n${tables.join('\n')}`;
}

function formatSection(section: string, rows: readonly config.ConfigReferenceRow[]): string {
  const title = section === '' ? '## At the top of the file' : `## \`${section}\``;
  const lines = rows.map(({ key, env, allowed, default: fallback, doc, isSecret }) => {
    const variables = env.map((name) => code(isSecret ? `${name}\`, \`${name}_FILE` : name)).join(', ');
    const name = code(key.split('.').at(-1) ?? key);
    const start = fallback === undefined ? 'required' : fallback === '""' ? 'empty' : code(fallback);
    const hot = HOT_KEYS.has(key) ? 'hot' : '';
    return `| ${[name, doc, allowed, start, hot, variables].map(toCell).join(' | ')} |`;
  });
  return `${title}\n\n| key | meaning | allowed | default | | environment |\n|---|---|---|---|---|---|\n${lines.join('\n')}\n`;
}

const code = (text: string): string => `\`${text}\``;
const toCell = (cell: string): string => cell.replaceAll('|', '\\|');

/** What stands in the repository. @internal */
export const readReference = (): string => readFileSync(PATH, 'utf8');

if (import.meta.main && process.argv.includes('--write')) {
  writeFileSync(PATH, formatReference());
  process.stdout.write(`Wrote ${PATH}.\n`);
}
