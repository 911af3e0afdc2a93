import type { LocalFacts } from './facts.ts';

interface Metric {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  /** One sample, or one for each value of a label of its own; undefined when there is nothing to tell yet. */
  value: (facts: LocalFacts) => number | Readonly<Record<string, number>> | undefined;
  /** The label of its own. */
  label?: string;
}

/**
 * Names differ from those of the server, which tells of the same agents: were they the same, an alert on the server's figures would
 * take an agent that is cut off, but well by its own account, for available.
 */
const METRICS: readonly Metric[] = [
  {
    name: 'iac_agent_local_uptime_seconds',
    type: 'gauge',
    help: 'Seconds since the process started.',
    value: ({ now, startedAt }) => (now - startedAt) / 1000,
  },
  {
    name: 'iac_agent_local_status',
    type: 'gauge',
    help: '0 offline or not signed on, 1 online, 2 busy, 3 error.',
    value: ({ condition, report }) => statusOf(condition, report.held.length),
  },
  {
    name: 'iac_agent_local_healthy',
    type: 'gauge',
    help: '1 while GET /health answers 200.',
    value: ({ unhealthy }) => (unhealthy === undefined ? 1 : 0),
  },
  {
    name: 'iac_agent_local_draining',
    type: 'gauge',
    help: '1 while nothing new is taken.',
    value: ({ report }) => (report.draining ? 1 : 0),
  },
  {
    name: 'iac_agent_local_heartbeats_total',
    type: 'counter',
    help: 'Heartbeats to the server by what came of them.',
    label: 'result',
    value: ({ report: { heartbeats } }) => ({ answered: heartbeats.count, unanswered: heartbeats.failures }),
  },
  {
    name: 'iac_agent_local_heartbeat_age_seconds',
    type: 'gauge',
    help: 'Seconds since the server last answered a heartbeat; missing before the first.',
    value: ({ now, report: { heartbeats } }) =>
      heartbeats.lastAt === undefined ? undefined : (now - heartbeats.lastAt) / 1000,
  },
  {
    name: 'iac_agent_local_active_jobs',
    type: 'gauge',
    help: 'Attempts held.',
    value: ({ report }) => report.held.length,
  },
  {
    name: 'iac_agent_local_jobs_total',
    type: 'counter',
    help: 'Attempts that ended since the process started.',
    value: ({ report }) => report.totalTasks,
  },
  {
    name: 'iac_agent_local_task_limit',
    type: 'gauge',
    help: 'Attempts at once, as configured.',
    value: ({ maxConcurrent }) => maxConcurrent,
  },
  {
    name: 'iac_agent_local_plan_task_limit',
    type: 'gauge',
    help: 'Plans at once, as processors and memory allow just now.',
    value: ({ planLimit }) => planLimit.limit,
  },
  {
    name: 'iac_agent_local_host_cpu_ratio',
    type: 'gauge',
    help: 'Processor time in use, 0 to 1 of what the agent may have.',
    value: ({ load }) => load.cpu,
  },
  {
    name: 'iac_agent_local_host_cpu_pressure_ratio',
    type: 'gauge',
    help: 'Share of the time in which something waited for a processor.',
    value: ({ load }) => load.cpuPressure,
  },
  {
    name: 'iac_agent_local_host_memory_ratio',
    type: 'gauge',
    help: 'Memory in use, 0 to 1 of what the agent may have.',
    value: ({ load }) => load.memory,
  },
  {
    name: 'iac_agent_local_process_cpu_seconds_total',
    type: 'counter',
    help: "Processor time of the agent's own process.",
    value: ({ usage }) => usage.cpuSeconds,
  },
  {
    name: 'iac_agent_local_process_memory_bytes',
    type: 'gauge',
    help: "Resident memory of the agent's own process.",
    value: ({ usage }) => usage.memoryBytes,
  },
  {
    name: 'iac_agent_local_reloads_total',
    type: 'counter',
    help: 'Readings of the configuration since the start, by what came of them.',
    label: 'result',
    value: ({ configuration: { reloaded, refused } }) => ({ loaded: reloaded, refused }),
  },
];

/** Names of all metrics, for the documentation's test. @internal */
export const METRIC_NAMES = METRICS.map(({ name }) => name);

/** The text form of Prometheus, version 0.0.4. */
export function presentPrometheus(facts: LocalFacts): string {
  const common = { agent_name: facts.name, pool_id: facts.report.pool ?? '' };
  return METRICS.map(({ name, type, help, value, label = '' }) => {
    const found = value(facts) ?? {};
    const samples = typeof found === 'number' ? [[common, found] as const] : withLabel(found, label, common);
    const lines = samples.map(([labels, number]) => `${name}{${formatLabels(labels)}} ${number}\n`);
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
  }).join('');
}

const withLabel = (values: Readonly<Record<string, number>>, label: string, common: Record<string, string>) =>
  Object.entries(values).map(([word, number]) => [{ ...common, [label]: word }, number] as const);

const formatLabels = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
    .join(',');

function statusOf(condition: LocalFacts['condition'], held: number): number {
  if (condition === 'error') return 3;
  if (condition === 'busy' || (condition === 'draining' && held > 0)) return 2;
  return condition === 'online' || condition === 'draining' ? 1 : 0;
}
