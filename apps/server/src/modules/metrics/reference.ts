import type { Registry } from 'prom-client';

/** What every label says; a label that is not here has no business in a metric. */
const LABELS: Readonly<Record<string, string>> = {
  action: 'what was done: `create`, `update`, `lock`, …',
  agent_name: "name of the agent's record, unique in its organisation",
  endpoint: 'address of a WebSocket',
  kind: 'why a value does not open: `damaged`, `unknown_data_key`, `wrong_master_key`, `bad_master_key`, `other`',
  loop: 'name of a loop: `dispatcher`, `lease-keeper`, `unsent-offers`, `log-archiver`, `sweeper`, `heartbeat-watch`',
  method: 'HTTP method; `other` where no route matched',
  node: 'version of Node',
  noun: 'what was changed: `task`, `agent`, `workspace`, …',
  outcome: 'how an attempt ended: `finished`, `failed`, `cancelled`, `returned`, `lost`, `closed`',
  phase: '`plan` or `apply`',
  pool_id: 'id of the pool; empty for what is in none',
  pool_name: 'name of the pool',
  reason: "code of a task's reason, as the API tells it",
  result: 'how the phase came out: `finished`, or as `outcome`',
  route: 'template of the route (`/api/v1/tasks/:task_id`), never a path; `unmatched` where none matched',
  standing: '`current`, `superseded` or `quarantined`',
  state: 'of an attempt (`offered`, `running`, `exited`) or of a session (`busy`, `idle`)',
  status: 'status of a task',
  status_class: '`2xx` to `5xx`',
  task_type: '`plan` or `plan_and_apply`',
  version: 'of the server',
  waits_for: '`agents`, or `workspace` (its lock, or a task that comes first)',
};

interface Described {
  name: string;
  type: string;
  help: string;
  labelNames: readonly string[];
}

/** A table of every metric and one of every label, as Markdown. Errors: a label that nobody has described. */
export function renderReference(registry: Registry): string {
  const metrics = (registry.getMetricsAsArray() as unknown as Described[]).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  const used = [...new Set(metrics.flatMap(({ labelNames }) => labelNames))].sort();
  const unknown = used.filter((label) => !(label in LABELS));
  if (unknown.length > 0) throw new Error(`Say in reference.ts what these labels mean: ${unknown.join(', ')}.`);
  return [
    '| metric | type | unit | labels | meaning |',
    '|---|---|---|---|---|',
    ...metrics.map(toRow),
    '',
    '| label | what it says |',
    '|---|---|',
    ...used.map((label) => `| \`${label}\` | ${LABELS[label]} |`),
  ].join('\n');
}

const toRow = ({ name, type, help, labelNames }: Described): string =>
  `| \`${name}\` | ${type} | ${unitOf(name)} | ${labelNames.map((label) => `\`${label}\``).join(', ')} | ${help} |`;

const unitOf = (name: string): string => /_(seconds|bytes)(_total)?$/.exec(name)?.[1] ?? '';
