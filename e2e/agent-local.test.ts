import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AgentHealth, AgentLocalMetrics, AgentReloadAnswer, AgentState, type Pool } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type FakeDaemon, startFakeDaemon } from './fake-daemon-for-tests.ts';
import {
  createLab,
  createPool,
  createTask,
  createWorkspace,
  findFreePort,
  type Lab,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  runTask,
  SKIP_TERRAFORM,
  waitForEnd,
  waitForTask,
} from './harness/index.ts';

const TINY = { 'main.tf': 'resource "terraform_data" "a" {}' };

describe.skipIf(SKIP_TERRAFORM)('what an agent tells and takes on its own host', () => {
  let lab: Lab;
  let server: RunningServer;
  let pool: Pool;
  let token: string;
  let agent: RunningAgent;
  let address: string;
  let stateFile: string;
  let daemon: FakeDaemon;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
    ({ pool, token } = await createPool(server));
    daemon = await startFakeDaemon(join(lab.folder, 'd.sock'));
    address = `127.0.0.1:${await findFreePort()}`;
    stateFile = join(lab.folder, 'run', 'agent.json');
    agent = await lab.startAgent({
      server,
      token,
      settings: {
        heartbeat: { interval: '1s', timeout: '2s' },
        http: { listen: address },
        state_file: stateFile,
        daemon: { socket_path: daemon.path, interval: '1s', timeout: '1s' },
      },
    });
  });
  afterAll(async () => {
    daemon?.close();
    await lab?.close();
  });

  const ask = (path: string, init?: RequestInit) => fetch(`http://${address}${path}`, init);
  const readState = () => AgentState.parse(JSON.parse(readFileSync(stateFile, 'utf8')));
  const readYaml = () => JSON.parse(readFileSync(agent.configuration, 'utf8'));
  /** As editors do. */
  const replaceFile = (text: string): void => {
    writeFileSync(`${agent.configuration}.new`, text);
    renameSync(`${agent.configuration}.new`, agent.configuration);
  };
  const reload = async () => {
    const answer = await ask('/reload', { method: 'POST' });
    return { status: answer.status, body: AgentReloadAnswer.parse(await answer.json()) };
  };
  const becomes = (what: string, look: () => boolean | Promise<boolean>, timeoutMs?: number) =>
    server.until(what, async () => (await look()) || undefined, timeoutMs);
  const stateBecomes = (status: AgentState['status']) =>
    becomes(`the state file says ${status}`, () => existsSync(stateFile) && readState().status === status);

  test('health, metrics, state file and the daemon’s heartbeats tell of the same agent', async () => {
    const { agent_id } = await agent.getRecord();
    const readMetrics = async () => AgentLocalMetrics.parse(await (await ask('/metrics')).json());
    await becomes('a heartbeat is answered', async () => (await readMetrics()).heartbeat_count > 0);
    const health = AgentHealth.parse(await (await ask('/health')).json());
    expect(health).toMatchObject({ status: 'healthy', agent_id, plan_task_limit: 3 });
    const metrics = await readMetrics();
    expect(metrics).toMatchObject({ agent_id, status: 'online', heartbeat_failures: 0 });
    expect(metrics.memory_bytes).toBeGreaterThan(20e6);
    const text = await (await ask('/metrics', { headers: { accept: 'text/plain' } })).text();
    expect(text).toContain(`iac_agent_local_status{agent_name="${agent.name}",pool_id="${pool.id}"} 1`);
    await stateBecomes('online');
    expect(readState()).toMatchObject({ pid: agent.pid, agent_id, pool_id: pool.id, http: address, attempts: [] });
    await becomes('the daemon heard of it', () => daemon.heartbeats.length > 0);
    expect(daemon.heartbeats.at(-1)).toMatchObject({ agent_id, pid: agent.pid, status: 'running' });
    expect(await daemon.call('status')).toMatchObject({ result: { agent_id, status: 'online' } });
  });

  test('a replaced file counts at once, at the server as well; a task that waited for its label runs', async () => {
    const workspace = await createWorkspace(server, { pool, labels: ['site=north'] });
    await pushFiles(server, workspace, TINY);
    const { id } = await createTask(server, workspace, { task_type: 'plan' });
    await waitForTask(server, id, 'waiting', (task) => task.waiting !== null);
    const yaml = readYaml();
    const resources = { ...yaml.resources, max_concurrent_jobs: 5 };
    replaceFile(JSON.stringify({ ...yaml, labels: { site: 'north' }, resources }));
    await becomes('the server knows', async () => (await agent.getRecord()).labels.includes('site=north'));
    expect(await agent.getRecord()).toMatchObject({ limits: { max_concurrent_jobs: 5 } });
    expect((await waitForEnd(server, id)).status).toBe('success');
    expect(readState().configuration).toMatchObject({ revision: 2, restart_needed: [] });
  });

  test('a file with mistakes changes nothing, and every mistake is told', async () => {
    const yaml = readYaml();
    replaceFile(JSON.stringify({ ...yaml, labels: ['=x'], heartbeat: { interval: 'soon' } }));
    const refused = await reload();
    expect(refused).toMatchObject({ status: 400, body: { success: false } });
    expect(refused.body.message).toMatch(/labels.*\n.*heartbeat\.interval|heartbeat\.interval.*\n.*labels/);
    expect(refused.body.message).not.toContain(token);
    expect(await agent.getRecord()).toMatchObject({ labels: ['site=north'], status: 'online' });
    replaceFile(JSON.stringify({ ...yaml, labels: ['back'], state_file: '/elsewhere' }));
    // Whoever is first: the watch or we.
    const { status, body } = await reload();
    expect(status).toBe(200);
    expect(body.restart_needed).toEqual(['state_file']);
    await becomes('the server knows', async () => (await agent.getRecord()).labels.includes('back'));
    replaceFile(JSON.stringify({ ...yaml, labels: [] }));
    agent.signal('SIGHUP');
    await becomes('the server knows', async () => (await agent.getRecord()).labels.length === 0);
    expect((await reload()).body).toMatchObject({ success: true, changed: [], restart_needed: [] });
  });

  test('a token is replaced without a restart, and the old one may go', async () => {
    const { items } = await server.client.call('listPoolTokens', { params: { id: pool.id } });
    const next = await server.client.call('createPoolToken', { params: { id: pool.id }, body: { name: 'next' } });
    const yaml = readYaml();
    replaceFile(JSON.stringify({ ...yaml, agent: { ...yaml.agent, token: next.token } }));
    agent.signal('SIGHUP');
    await becomes('the new token is used', async () => {
      const now = await server.client.call('listPoolTokens', { params: { id: pool.id } });
      return now.items.some(({ id, last_used_at }) => id === next.id && last_used_at !== null);
    });
    for (const { id } of items) await server.client.call('revokePoolToken', { params: { id: pool.id, token_id: id } });
    const workspace = await createWorkspace(server, { pool });
    await pushFiles(server, workspace, TINY);
    expect((await runTask(server, workspace, { task_type: 'plan' })).status).toBe('success');
    token = next.token;
  });

  test('too little memory by its own thresholds takes the limit of plans down, and everybody is told why', async () => {
    const yaml = readYaml();
    const adaptive = { enabled: true, memory_high: 0.02, memory_low: 0.01, sustain: '5s' };
    replaceFile(JSON.stringify({ ...yaml, adaptive }));
    await becomes('the server is told', async () => (await agent.getRecord()).last_heartbeat?.plan_task_limit === 1);
    const { last_heartbeat } = await agent.getRecord();
    // The machine may be short of processors as well just now.
    expect(last_heartbeat?.plan_task_limit_reason).toMatch(
      /^1 of 5 plans at once for now: (\d+ % of the memory is in use|something waits for a processor)/,
    );
    const health = AgentHealth.parse(await (await ask('/health')).json());
    expect(health).toMatchObject({ status: 'healthy', plan_task_limit: 1 });
    expect(health.plan_task_limit_reason).toBe(last_heartbeat?.plan_task_limit_reason);
    replaceFile(JSON.stringify({ ...yaml, adaptive: { enabled: false } }));
    await becomes('it is taken back', async () => (await agent.getRecord()).last_heartbeat?.plan_task_limit === 5);
    replaceFile(JSON.stringify(yaml));
  });

  test('a daemon that refuses, is silent or says nonsense disturbs no work', async () => {
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, TINY);
    for (const temper of ['refuses', 'silent', 'confused'] as const) {
      daemon.temper = temper;
      const before = daemon.heartbeats.length;
      await becomes(`a heartbeat to a daemon that ${temper}`, () => daemon.heartbeats.length > before);
    }
    expect((await runTask(server, workspace)).status).toBe('applied');
    expect((await ask('/health')).status).toBe(200);
    daemon.temper = 'takes';
    const before = daemon.heartbeats.length;
    await becomes('it takes heartbeats again', () => daemon.heartbeats.length > before);
  });

  test('a server that is away shows after three heartbeats, and so does its return', async () => {
    await server.kill9();
    await becomes('health is 503', async () => (await ask('/health')).status === 503);
    expect(await (await ask('/health')).json()).toMatchObject({
      status: 'unhealthy',
      reason: expect.stringContaining('heartbeats'),
    });
    await stateBecomes('offline');
    expect(daemon.heartbeats.at(-1)?.status).toBe('running');
    await server.restart();
    await becomes('health is 200', async () => (await ask('/health')).status === 200);
    await stateBecomes('online');
  });

  test('the newer instance of an upgrade has address and state file', async () => {
    const older = await agent.upgrade();
    await older.exited;
    await becomes('the newer one answers', async () => (await ask('/health').catch(() => undefined))?.status === 200);
    await becomes('the state file is its own, and has the address', () => {
      const { pid, http } = readState();
      return pid === agent.pid && http === address;
    });
  });

  test('another agent with the same address works without, and has it once the first has gone', async () => {
    const file = join(lab.folder, 'log', 'agent.log');
    const logging = { file, max_size: '4KiB', max_files: 3, level: 'debug' };
    const own = { url: await startRefusingDaemon(), interval: '1s' };
    const second = await lab.startAgent({
      server,
      token,
      settings: { http: { listen: address }, logging, daemon: own },
    });
    await becomes('it says so', () => readFileSync(file, 'utf8').includes(`http.listen ${address} is taken`));
    await becomes('its daemon has refused it', () =>
      readFileSync(file, 'utf8').includes('it answered 400: who are you'),
    );
    expect((await second.getRecord()).status).toBe('online');
    await agent.stop();
    await becomes('it answers', async () => {
      const answer = await ask('/health').catch(() => undefined);
      return answer !== undefined && AgentHealth.parse(await answer.json()).agent_id === readIdentity(second);
    });
    for (let n = 0; n < 100; n += 1) await reload();
    await second.stop();
    expectLogs(join(lab.folder, 'log'), token);
  });

  test('a clean stop shows at once: at the server, in the state file and to the daemon; so does the next start', async () => {
    // The test before stopped it.
    expect(await agent.getRecord()).toMatchObject({ status: 'offline', connected: false });
    expect(readState()).toMatchObject({ status: 'stopped', http: null });
    expect(daemon.heartbeats.at(-1)?.status).toBe('stopping');
    await agent.restart();
    expect(await agent.getRecord()).toMatchObject({ status: 'online', connected: true });
  });

  test('the daemon’s stop drains; a reload and SIGHUP meanwhile change no more than they should', async () => {
    const gate = join(lab.folder, 'gate');
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushFiles(server, workspace, {
      'main.tf': `resource "terraform_data" "a" {
        provisioner "local-exec" { command = "touch ${gate}.reached; until [ -e ${gate} ]; do sleep 0.05; done" }
      }`,
    });
    const { id } = await createTask(server, workspace);
    await server.until('Terraform applies', () => existsSync(`${gate}.reached`) || undefined);
    await becomes('the daemon is connected', () => daemon.heartbeats.at(-1)?.pid === agent.pid);
    expect(await daemon.call('stop')).toMatchObject({ result: { message: 'draining' } });
    await stateBecomes('draining');
    expect(readState().attempts).toMatchObject([{ task_id: id }]);
    replaceFile(
      JSON.stringify({ ...readYaml(), labels: ['late'], resources: { ...readYaml().resources, spare_runners: 3 } }),
    );
    agent.signal('SIGHUP');
    await becomes('the server knows', async () => (await agent.getRecord()).labels.includes('late'));
    expect(await agent.getRecord()).toMatchObject({ draining: true });
    expect(agent.isGone).toBe(false);
    writeFileSync(gate, '');
    expect((await waitForEnd(server, id)).status).toBe('applied');
    await agent.exited();
    expect(agent.listFolders()).toEqual([]);
    expect(await agent.getRecord()).toMatchObject({ status: 'offline' });
  });

  test('an agent that may not sign on says why in its state file', async () => {
    const refused = join(lab.folder, 'refused.json');
    const starting = lab.startAgent({ server, token: 'apt_nobody', settings: { state_file: refused } });
    await expect(starting).rejects.toThrow(/ended/);
    const state = AgentState.parse(JSON.parse(readFileSync(refused, 'utf8')));
    expect(state).toMatchObject({ status: 'stopped', reason: expect.stringMatching(/token/i) });
  });
});

/** Takes heartbeats over HTTP, and no agent of ours. */
async function startRefusingDaemon(): Promise<string> {
  const http = createServer((_request, response) => response.writeHead(400).end('who are you'));
  http.listen(0, '127.0.0.1').unref();
  await once(http, 'listening');
  onTestFinished(() => void http.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

const readIdentity = (agent: RunningAgent): string =>
  JSON.parse(readFileSync(join(agent.workDir, 'identity.json'), 'utf8')).agentId;

/** One JSON object a line, in a row of small files, without the token. */
function expectLogs(folder: string, token: string): void {
  const names = readdirSync(folder).toSorted();
  expect(names).toEqual(['agent.log', 'agent.log.1', 'agent.log.2', 'agent.log.3']);
  for (const text of names.map((name) => readFileSync(join(folder, name), 'utf8'))) {
    expect(text.length).toBeLessThanOrEqual(4_096);
    expect(text).not.toContain(token);
    for (const line of text.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ name: 'agent' });
  }
}
