import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTemporaryFolder, waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistry, isReferenceUpToDate } from '../../metrics-reference.ts';
import { type LiveServer, makeCrew, startLiveServer } from '../tasks/live-server-for-tests.ts';

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const pathOf = (name: string): string => join(ROOT, name);
const readText = (name: string): string => readFileSync(pathOf(name), 'utf8');
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const [hasPromtool, hasPrometheus] = [has('promtool'), has('prometheus')];

const RULES = readText('deploy/prometheus/alerts.yml');
const TESTS = readText('deploy/prometheus/alerts.test.yml');
const DASHBOARD = readText('deploy/grafana/groundcrew.json');
const ALERTS = [...RULES.matchAll(/- alert: (\w+)\n(.*?)(?=\n {6}- alert: |\n {2}- name: |$)/gs)].map(
  ([, name = '', body = '']) => ({
    name,
    body,
  }),
);

interface Metric {
  name: string;
  type: string;
}
const METRICS = createRegistry().getMetricsAsArray() as unknown as Metric[];
/** Every name that a query may use. */
const SERIES = new Set(
  METRICS.flatMap(({ name, type }) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((end) => `${name}_${end}`) : [name],
  ),
);
const namesIn = (text: string): string[] => [...new Set(text.match(/\biac_[a-z_]+/g))];

describe('the alert rules', () => {
  test.skipIf(!hasPromtool)('are rules, and fire exactly when their tests say so', () => {
    for (const [verb, file] of [
      ['check', 'alerts.yml'],
      ['test', 'alerts.test.yml'],
    ]) {
      const path = pathOf(`deploy/prometheus/${file}`);
      const { status, stdout, stderr } = spawnSync('promtool', [verb as string, 'rules', path], { encoding: 'utf8' });
      expect([status, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')]);
    }
  });

  test.each(ALERTS)('$name is tried both ways, told of in the documentation, and says what to do', ({ name, body }) => {
    const cases = [...TESTS.matchAll(/alertname: (\w+)\n.*\n {8}exp_alerts:(.*)/g)].filter(([, of]) => of === name);
    expect(new Set(cases.map(([, , empty]) => (empty?.trim() === '[]' ? 'silent' : 'fires')))).toEqual(
      new Set(['silent', 'fires']),
    );
    expect(body).toMatch(/severity: (info|warning|critical)/);
    expect(body).toMatch(/summary: \S.*\n\s+description: \S/);
    expect(readText('docs/monitoring.md')).toContain(`| ${name} |`);
  });

  test('those of the contract are there, in their group', () => {
    const [first] = RULES.split('  - name: iac-task');
    expect(first).toContain('- name: iac-agent\n');
    for (const name of ['AgentOffline', 'AgentHighLoad', 'NoAvailableAgents'])
      expect(first).toContain(`- alert: ${name}\n`);
  });

  test('name only what is measured', () => {
    expect(namesIn(RULES).filter((name) => !SERIES.has(name))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const { panels } = JSON.parse(DASHBOARD) as { panels: { title: string; targets?: { expr: string }[] }[] };
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

  test('asks only for what is measured, and each of its queries for something', () => {
    expect(namesIn(DASHBOARD).filter((name) => !SERIES.has(name))).toEqual([]);
    expect(queries.filter(({ expr }) => namesIn(expr).length === 0)).toEqual([]);
  });

  test('shows everything that is measured', () => {
    const shown = namesIn(queries.map(({ expr }) => expr).join(' ')).map((name) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    );
    expect(METRICS.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([]);
  });
});

describe('a real server', () => {
  const folder = createTemporaryFolder('prometheus');
  let live: LiveServer;
  let prometheus: ChildProcess | undefined;
  beforeAll(async () => {
    live = await startLiveServer({ loops: true });
    await makeCrew(live);
  });
  afterAll(async () => {
    if (prometheus?.exitCode === null) {
      prometheus.kill('SIGTERM');
      await once(prometheus, 'exit');
    }
    await live.close();
    folder.remove();
  });

  test('measures what docs/monitoring.md says (else run apps/server/src/metrics-reference.ts --write)', async () => {
    const namesOf = (metrics: readonly Metric[]) => metrics.map(({ name }) => name).sort();
    const measured = live.server.platform.metrics.registry.getMetricsAsArray() as unknown as Metric[];
    expect(namesOf(measured)).toEqual(namesOf(METRICS));
    expect(await isReferenceUpToDate()).toBe(true);
  });

  test.skipIf(!hasPrometheus)('is read by a real Prometheus, whose queries and rules find it well', async () => {
    const port = await findFreePort();
    const config = readText('deploy/prometheus/prometheus.yml')
      .replaceAll('15s', '1s')
      .replace('localhost:8400', new URL(live.url).host)
      .replace('- alerts.yml', `- ${pathOf('deploy/prometheus/alerts.yml')}`);
    writeFileSync(join(folder.path, 'prometheus.yml'), config);
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder.path, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    const ask = async <T>(path: string): Promise<T | undefined> =>
      fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
        .then(async (answer) => ((await answer.json()) as { data: T }).data)
        .catch(() => undefined);
    const query = async (expr: string) =>
      (await ask<{ result: { value: [number, string] }[] }>(`query?query=${encodeURIComponent(expr)}`))?.result.map(
        ({ value }) => value[1],
      );
    await waitFor('the first reading', async () => (await query('iac_database_up'))?.length || undefined, 30_000);
    expect(await query('up{job="groundcrew"}')).toEqual(['1']);
    expect(await query('count(iac_agent_status)')).toEqual(['1']);
    const found = await ask<{ groups: { rules: { name: string; lastError?: string }[] }[] }>('rules');
    const rules = found?.groups.flatMap((group) => group.rules) ?? [];
    expect(rules.map(({ name }) => name).sort()).toEqual(ALERTS.map(({ name }) => name).sort());
    expect(rules.filter(({ lastError }) => lastError)).toEqual([]);
    for (const { expr } of (JSON.parse(DASHBOARD) as { panels: { targets?: { expr: string }[] }[] }).panels.flatMap(
      ({ targets = [] }) => targets,
    )) {
      const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll('$pool', '.*');
      expect([expr, await query(asked)]).toEqual([expr, expect.any(Array)]);
    }
  });
});

const findFreePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
