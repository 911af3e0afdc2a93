import { readFileSync } from 'node:fs';
import { AgentCondition, AgentHealth, AgentLocalMetrics, AgentState, DaemonHeartbeat } from '@groundcrew/protocol';
import { expect, test } from 'vitest';
import { factsWith } from './facts-for-tests.ts';
import { presentDaemonHeartbeat, presentHealth, presentMetrics, presentState } from './present.ts';
import { METRIC_NAMES, presentPrometheus } from './prometheus.ts';

const held = { attemptId: 'att-1', taskId: 'task-1', action: 'plan' } as never;
const started = factsWith({
  condition: 'starting',
  unhealthy: 'the agent could not sign on yet',
  report: {
    ...factsWith().report,
    pool: undefined,
    heartbeats: { count: 0, failures: 0, failedInARow: 0, lastAt: undefined },
  },
  http: undefined,
});
const throttled = factsWith({
  condition: 'busy',
  planLimit: { limit: 1, reason: '1 of 3 plans at once for now: …' },
  report: { ...factsWith().report, held: [held] },
});

test.each([
  ['well', factsWith()],
  ['before its sign-on', started],
  ['throttled', throttled],
])('every form is what its schema says: %s', (_what, facts) => {
  expect(AgentHealth.parse(presentHealth(facts))).toEqual(presentHealth(facts));
  expect(AgentLocalMetrics.parse(presentMetrics(facts))).toEqual(presentMetrics(facts));
  expect(AgentState.parse(presentState(facts))).toEqual(presentState(facts));
  expect(DaemonHeartbeat.parse(presentDaemonHeartbeat(facts))).toEqual(presentDaemonHeartbeat(facts));
});

test('health and metrics as the contract has them', () => {
  expect(presentHealth(factsWith())).toEqual({
    status: 'healthy',
    uptime: 60,
    last_heartbeat: '1970-01-01T00:17:35.000Z',
    agent_id: 'host-1',
    plan_task_limit: 3,
  });
  expect(presentHealth(started)).toMatchObject({
    status: 'unhealthy',
    last_heartbeat: null,
    reason: started.unhealthy,
  });
  expect(presentMetrics(throttled)).toMatchObject({
    agent_id: 'host-1',
    uptime: 60,
    heartbeat_count: 5,
    heartbeat_failures: 2,
    cpu_percent: 130.5,
    memory_bytes: 60_000_000,
    status: 'busy',
    active_jobs: 1,
    plan_task_limit: 1,
    plan_task_limit_reason: throttled.planLimit.reason,
  });
});

test.each([
  ['online', 'running'],
  ['busy', 'running'],
  // Starting an agent again brings no server back.
  ['offline', 'running'],
  ['draining', 'stopping'],
  ['stopped', 'stopping'],
  ['error', 'error'],
] as const)('a daemon hears of %s as %s', (condition, status) =>
  expect(presentDaemonHeartbeat(factsWith({ condition })).status).toBe(status),
);

test('the form of Prometheus: each metric with help and type, labels escaped, nothing made up', () => {
  const text = presentPrometheus(throttled);
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) iac_agent_local_\w+ \S.*|iac_agent_local_\w+\{[^}]*\} -?\d+(\.\d+)?)$/);
  const common = 'agent_name="host \\"one\\"",pool_id="pool-1"';
  expect(text).toContain(`# TYPE iac_agent_local_status gauge\niac_agent_local_status{${common}} 2\n`);
  expect(text).toContain(`iac_agent_local_heartbeat_age_seconds{${common}} 5\n`);
  expect(text).toContain(`iac_agent_local_heartbeats_total{${common},result="unanswered"} 2\n`);
  expect(text).toContain(`iac_agent_local_plan_task_limit{${common}} 1\n`);
  expect(presentPrometheus(started)).not.toMatch(/^iac_agent_local_heartbeat_age_seconds\{/m);
});

test('the documentation names every metric, every field of the state file and every status', () => {
  const text = readFileSync(new URL('../../../../docs/agent.md', import.meta.url), 'utf8');
  const words = [...METRIC_NAMES, ...Object.keys(presentState(factsWith())), ...AgentCondition.options];
  const unnamed = words.filter((word) => !new RegExp(`\\b${word}\\b`).test(text));
  expect(unnamed).toEqual([]);
  const named = [...text.matchAll(/`(iac_agent_local_\w+)/g)].map((found) => found[1]);
  expect(named.filter((name) => name !== undefined && !METRIC_NAMES.includes(name))).toEqual([]);
});
