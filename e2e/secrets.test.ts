import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import type { Task, Workspace } from '@groundcrew/protocol';
import { waitFor } from '@groundcrew/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createLab,
  createPool,
  createTask,
  createWorkspace,
  type Lab,
  openDatabase,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  readWholeLog,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  waitForEnd,
  waitForTask,
  watchTask,
} from './harness/index.ts';
import { type Canary, newCanary, newToken } from './secrets/canaries.ts';
import { LEAKY } from './secrets/configuration.ts';
import { dumpPlaces } from './secrets/dump.ts';
import { type Asked, askEveryRoute } from './secrets/every-route.ts';
import { EXCUSES_AFTER, EXCUSES_FOR_FILES, EXCUSES_FOR_PROCESSES, excuse } from './secrets/excuses.ts';
import { type FoundFile, readFiles } from './secrets/files.ts';
import { createFinder, type Finding, type Place, placeOf } from './secrets/finder.ts';
import { findEntry, toPlaces, watchProcesses } from './secrets/processes.ts';
import { recordSocket } from './secrets/socket-record.ts';

/** Printed, stored and shown just like the secrets, but no secret: a search that does not find it would find nothing. */
const decoy = newCanary('decoy');
const secret = newCanary('secret');
const planted: Canary[] = [
  secret,
  newCanary('nested'),
  { name: 'note', value: `${newToken('').value} first\n${newToken('').value} second` },
  newToken('env'),
  newToken('provider'),
  // Known to nobody before Terraform has computed it.
  { name: 'derived', value: sha256Hex(secret.value) },
];
const [, nested, note, env, provider] = planted as [Canary, Canary, Canary, Canary, Canary, Canary];
const quoted = (text: string): string => JSON.stringify(text).replaceAll(/([$%])\{/g, '$1$1{');

describe.skipIf(SKIP_TERRAFORM)('secrets stay where they belong', () => {
  let lab: Lab;
  let server: RunningServer;
  let agent: RunningAgent;
  let workspace: Workspace;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer({ env: { GROUNDCREW_INTERVALS_SWEEP: '1s' } });
    const { pool, token } = await createPool(server);
    planted.push({ name: 'pool token', value: token });
    agent = await lab.startAgent({ server, token });
    workspace = await createWorkspace(server, { pool, auto_approve: true });
    await plantTokens();
    await plantVariables();
  });
  afterAll(() => lab?.close());

  async function plantTokens(): Promise<void> {
    const { token: api } = await server.client.call('createToken', { body: { name: 'canary' } });
    const { token: own } = await server.client.call('createAgent', { body: { name: 'canary' } });
    planted.push({ name: 'api token', value: api }, { name: 'agent token', value: own ?? '' });
    planted.push({ name: 'administrator', value: server.token });
    const { app_secret } = await server.client.call('createClient', { body: { name: 'canary', role: 'viewer' } });
    const new_password = `canary ${newSecret()}`;
    await server.client.call('changePassword', { body: { new_password } });
    planted.push({ name: 'machine client', value: app_secret }, { name: 'password of a person', value: new_password });
    const password = readFileSync(join(server.home, 'postgres', 'data', 'groundcrew_password'), 'utf8');
    planted.push({ name: 'database password', value: password });
    planted.push({ name: 'master key', value: readFileSync(join(server.home, 'master.key'), 'utf8').trim() });
  }

  async function plantVariables(): Promise<void> {
    await pushFiles(server, workspace, { 'main.tf': LEAKY });
    const set = (key: string, value: string, more: object = {}) =>
      setVariable(server, workspace, { key, value, sensitive: true, ...more });
    await set('secret', secret.value);
    await set('nested', `{ inner = [${quoted(nested.value)}] }`, { hcl: true });
    await set('note', note.value);
    await set('HELPER_TOKEN', env.value, { category: 'env' });
    await set('AWS_SECRET_ACCESS_KEY', provider.value, { category: 'env' });
    await set('decoy', decoy.value, { sensitive: false });
    await set('DECOY', decoy.value, { sensitive: false, category: 'env' });
    await set('gate', join(lab.folder, 'gate'), { sensitive: false });
  }

  test('nothing that was planted is anywhere but where it has to be', async () => {
    const processes = watchProcesses(() => [server.pid, agent.pid]);
    const events = recordSocket(server, '/ws/events');
    const { task, duringTheRun } = await runThroughGate(() => processes.look());
    const failed = await runFailing();
    const seen = processes.stop();
    planted.push({ name: 'relay password', value: findEntry(seen, 'TF_HTTP_PASSWORD') });

    const watched = watchTask(server, task.id);
    const lines = recordSocket(server, `/ws/logs?task_id=${task.id}&format=lines`);
    await watched.done;
    await waitFor('the last line', () => lines.place().bytes.includes('"type":"end"'));
    const bytes = Buffer.concat([watched.bytesOf('plan'), watched.bytesOf('apply')]);
    const asked = await askAll(task);
    const logs = await Promise.all([task, ...failed].map(readLogs));
    const afterwards: Place[] = [
      ...asked.places,
      ...logs.flat(),
      placeOf('socket of the log, bytes', bytes),
      lines.place(),
      events.place(),
      placeOf("the server's metrics", await (await fetch(`${server.url}/metrics`)).text()),
      placeOf("the server's log", server.readLog()),
      placeOf("the agent's log", agent.readLog()),
      ...(await dumpPlaces(server.home)),
      ...filesBelow(lab.folder),
    ];
    for (const socket of [lines, events]) socket.close();

    const finder = createFinder([...planted, decoy]);
    const isDecoy = ({ canary }: Finding): boolean => canary === decoy.name;
    const found = finder.search(afterwards);
    expectDecoys(found.filter(isDecoy));
    const open = excuse(
      found.filter((finding) => !isDecoy(finding)),
      EXCUSES_AFTER,
    );
    expect(open).toEqual({ leaks: [], unused: [] });

    const inProcesses = finder.search(toPlaces(seen));
    expect(inProcesses.filter(isDecoy).map(({ place }) => place)).toContain('environment of terraform');
    expect(inProcesses.filter((each) => isDecoy(each) && each.place.startsWith('arguments'))).toEqual([]);
    expect(
      excuse(
        inProcesses.filter((finding) => !isDecoy(finding)),
        EXCUSES_FOR_PROCESSES,
      ),
    ).toEqual({ leaks: [], unused: [] });
    const programs = new Set(seen.map(({ program }) => program));
    expect([...programs]).toEqual(expect.arrayContaining(['server', 'agent', 'runner', 'terraform', 'postgres']));

    const inFiles = finder.search(duringTheRun).filter((finding) => !isDecoy(finding));
    expect(excuse(inFiles, EXCUSES_FOR_FILES)).toEqual({ leaks: [], unused: [] });
    const holders = new Set(inFiles.map(({ place }) => place));
    const exposed = duringTheRun.filter(({ name, othersMayRead }) => holders.has(name) && othersMayRead);
    expect(exposed.map(({ name }) => name)).toEqual([]);
    await expectArchiveClean(task);
  });

  test('a sensitive variable is write-only', async () => {
    const other = await createWorkspace(server);
    await setVariable(server, other, { key: 'password', value: secret.value, sensitive: true });
    const params = { workspace_id: other.workspace_id };
    const { items } = await server.client.call('listVariables', { params });
    expect(items).toMatchObject([{ key: 'password', value: null, sensitive: true }]);
    const body = { description: 'changed', sensitive: false };
    const updated = await server.client
      .call('updateVariable', { params: { ...params, variable_id: items[0]!.id }, body })
      .catch((error: Error) => ({ value: null, message: error.message }));
    expect(updated.value).toBeNull();
  });

  /** A whole run; what lies on the disk is taken while a provisioner waits, with plan, state and variables all there. */
  async function runThroughGate(look: () => void): Promise<{ task: Task; duringTheRun: FoundFile[] }> {
    const { id } = await createTask(server, workspace);
    const gate = join(lab.folder, 'gate');
    await waitForTask(server, id, 'at the gate', () => existsSync(`${gate}.reached`));
    look();
    const attempt = agent.listFolders().find((folder) => existsSync(join(folder, 'task.json'))) ?? '';
    planted.push({ name: 'attempt secret', value: readFileSync(join(attempt, 'secret'), 'utf8').trim() });
    const duringTheRun = filesBelow(lab.folder);
    writeFileSync(gate, '');
    const task = await waitForEnd(server, id);
    expect(task).toMatchObject({ status: 'applied', error_message: null });
    return { task, duringTheRun };
  }

  /** Terraform's own error messages quote what it is given: once in the plan, once in the apply, which changes things as well. */
  async function runFailing(): Promise<Task[]> {
    const { items } = await server.client.call('listVariables', { params: { workspace_id: workspace.workspace_id } });
    expect(items.find(({ key }) => key === 'secret')?.value).toBeNull();
    await setVariable(server, workspace, { key: 'fail', value: 'plan' });
    const inPlan = await runTask(server, workspace);
    expect(inPlan).toMatchObject({ status: 'failed' });
    const { items: all } = await server.client.call('listVariables', {
      params: { workspace_id: workspace.workspace_id },
    });
    const fail = all.find(({ key }) => key === 'fail');
    const params = { workspace_id: workspace.workspace_id, variable_id: fail!.id };
    await server.client.call('updateVariable', { params, body: { value: 'apply' } });
    await setVariable(server, workspace, { key: 'round', value: '2' });
    const inApply = await runTask(server, workspace);
    expect(inApply).toMatchObject({ status: 'failed' });
    expect((await readWholeLog(server, inPlan.id, 'plan')).text).toContain('[MASKED] that is wrong');
    expect((await readWholeLog(server, inApply.id, 'apply')).text).toContain('going down with [MASKED]');
    return [inPlan, inApply];
  }

  async function readLogs(task: Task): Promise<Place[]> {
    const { items } = await server.client.call('listLogStreams', { params: { task_id: task.id } });
    const answer = await server.client.call('getTask', {
      params: { task_id: task.id },
      query: { include: 'plan_output,apply_output' },
    });
    const logs = await Promise.all(
      items.map(async ({ phase }) => ({ phase, bytes: (await readWholeLog(server, task.id, phase)).bytes })),
    );
    return [
      placeOf(`task ${task.status}`, JSON.stringify(answer)),
      ...logs.map(({ bytes, phase }) => placeOf(`log of the ${phase} of a task ${task.status}`, bytes)),
    ];
  }

  async function askAll(task: Task): Promise<Asked> {
    const { client } = server;
    const params = { workspace_id: workspace.workspace_id };
    const states = await client.call('listStateVersions', { params });
    const configurations = await client.call('listConfigurations', { params });
    const { items: pools } = await client.call('listPools', {});
    const { user } = await client.call('getMe');
    const { items: clients } = await client.call('listClients', {});
    const fragment = await client.call('createResource', {
      params,
      body: { name: 'empty', type: 'terraform', tf_code: '# nothing' },
    });
    const asked = await askEveryRoute(server, {
      task_id: task.id,
      workspace_id: workspace.workspace_id,
      user_id: user?.id ?? '',
      client_id: clients[0]?.id ?? '',
      '/agents/id': (await agent.getRecord()).id,
      '/agent-pools/id': pools[0]?.id ?? '',
      state_version_id: states.items[0]?.id ?? '',
      configuration_id: configurations.items[0]?.id ?? '',
      resource_id: fragment.resource_id,
    });
    expect(asked.unasked, 'routes for whose parameters this test has no values: add them above').toEqual([]);
    // There is no OpenID provider here, and it is no browser's session that asks.
    expect(asked.refused).toEqual({ startOidc: 404, finishOidc: 404, getSession: 404 });
    return asked;
  }

  /** Everything on the disk, each file named by what it is: ids and random names taken out. */
  function filesBelow(folder: string): FoundFile[] {
    return readFiles(folder).map((file) => ({
      ...file,
      name: file.name
        .replace(agent.name, 'agent')
        .replace(/^server-[^/.]+/, 'server')
        .replace(/\/a\/[^/]+/, '/a/attempt'),
    }));
  }

  /** The log in the archive, which is a file, and as it is read from there. */
  async function expectArchiveClean(task: Task): Promise<void> {
    const db = await openDatabase(server.home);
    await db.query(`UPDATE log_streams SET updated_at = now() - interval '1 hour'`).finally(() => db.end());
    const params = { task_id: task.id };
    await waitFor(
      'the archiver',
      async () => (await server.client.call('listLogStreams', { params })).items.every(({ archived }) => archived),
      30_000,
    );
    const places = [...(await readLogs(task)), ...filesBelow(join(server.home, 'archive'))];
    const found = createFinder([...planted, decoy]).search(places);
    expect(found.some(({ place, canary }) => canary === decoy.name && place.endsWith('.gz'))).toBe(true);
    expect(found.filter(({ canary }) => canary !== decoy.name)).toEqual([]);
  }
});

/** Each way by which a leak would come out shows the decoy, in every form in which it was printed. */
function expectDecoys(found: readonly Finding[]): void {
  const formsIn = (place: string) =>
    new Set(found.filter((finding) => finding.place.includes(place)).map(({ form }) => form));
  const printed = ['plain', 'json', 'url', 'base64+0', 'base64+1', 'base64+2'];
  for (const place of [
    'answer of getTask?include',
    'answer of readLog?phase=apply&limit=4194304',
    'socket of the log, bytes',
    'log of the apply of a task applied',
    'stored log',
  ])
    expect([place, ...formsIn(place)]).toEqual(expect.arrayContaining([place, ...printed]));
  for (const place of ['socket /ws/logs', 'answer of listVariables', 'answer of getPlan', 'table public.variables'])
    expect([place, formsIn(place).size > 0]).toEqual([place, true]);
}
