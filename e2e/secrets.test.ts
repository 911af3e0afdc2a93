import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from '@groundcrew/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createLab,
  createPool,
  createWorkspace,
  dumpDatabase,
  type Lab,
  pushExample,
  type RunningAgent,
  type RunningServer,
  readWholeLog,
  runTask,
  SKIP_TERRAFORM,
  setVariable,
  watchTask,
} from './harness/index.ts';

const PASSWORD = 'Gr0undcrew "päss" w/ spaces & more';
const TOKEN = 'tok_9f8e7d6c5b4a3210';
const NOTE = 'first line of the note\nsecond line of the note';

/** The ways in which secrets usually leak. */
function spellingsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    // What a search for the secret in base64 would look for: the characters that only the secret decides.
    const text = Buffer.from('x'.repeat(shift) + secret)
      .toString('base64')
      .replaceAll('=', '');
    return text.slice(shift === 0 ? 0 : shift + 1, -1);
  });
  const url = encodeURIComponent(secret);
  return [secret, JSON.stringify(secret).slice(1, -1), url, url.replaceAll('%20', '+'), ...base64];
}

const FORBIDDEN = [PASSWORD, TOKEN, ...NOTE.split('\n')].flatMap((secret) => spellingsOf(secret));

const findLeaks = (text: string): string[] => FORBIDDEN.filter((spelling) => text.includes(spelling));

describe.skipIf(SKIP_TERRAFORM)('secrets stay where they belong', () => {
  let lab: Lab;
  let server: RunningServer;
  let agent: RunningAgent;

  beforeAll(async () => {
    lab = await createLab();
    server = await lab.startServer();
  });
  afterAll(() => lab?.close());

  test("none of a secret's spellings is in the log, in any answer, in the database or with the agent", async () => {
    const { pool, token } = await createPool(server);
    agent = await lab.startAgent({ server, token });
    const workspace = await createWorkspace(server, { pool, auto_approve: true });
    await pushExample(server, workspace, 'secrets');
    await setVariable(server, workspace, { key: 'password', value: PASSWORD, sensitive: true });
    await setVariable(server, workspace, { key: 'token', value: TOKEN, sensitive: true });
    await setVariable(server, workspace, { key: 'note', value: NOTE, sensitive: true });
    await setVariable(server, workspace, { key: 'HELPER_TOKEN', value: TOKEN, category: 'env', sensitive: true });

    const task = await runTask(server, workspace);
    expect(task).toMatchObject({ status: 'applied', error_message: null });
    const watched = watchTask(server, task.id);
    await watched.done;

    const apply = await readWholeLog(server, task.id, 'apply');
    // The log is there, with the places where secrets stood: a log that is merely empty would leak nothing either.
    expect(apply.text).toContain('harmless: this line is not masked');
    expect(apply.text).toContain('plain: [MASKED] and [MASKED]');
    expect(apply.text).toContain('https://example.com/?password=[MASKED]&token=[MASKED]');
    const answers = await collectAnswers(server, task, workspace.workspace_id);
    const agentFiles = readFiles(agent.workDir);
    const found = {
      plan: findLeaks((await readWholeLog(server, task.id, 'plan')).text),
      apply: findLeaks(apply.text),
      viewer: findLeaks(watched.bytesOf('plan').toString() + watched.bytesOf('apply').toString()),
      answers: Object.entries(answers).flatMap(([name, text]) => findLeaks(text).map((leak) => `${name}: ${leak}`)),
      agent: [...agentFiles].flatMap(([path, text]) => findLeaks(text).map((leak) => `${path}: ${leak}`)),
      serverLog: findLeaks(server.readLog()),
      agentLog: findLeaks(agent.readLog()),
    };
    expect(found).toEqual({ plan: [], apply: [], viewer: [], answers: [], agent: [], serverLog: [], agentLog: [] });

    const dump = await dumpDatabase(server.home);
    expect([...dump.keys()]).toEqual(
      expect.arrayContaining(['public.log_segments', 'public.variables', 'public.state_versions']),
    );
    const inTables = [...dump].flatMap(([table, text]) => {
      const asHex = FORBIDDEN.filter((spelling) => text.includes(Buffer.from(spelling).toString('hex')));
      return [...findLeaks(text), ...asHex].map((leak) => `${table}: ${leak}`);
    });
    expect(inTables).toEqual([]);

    // The state is the one thing that has them: it is what Terraform needs, and only who may read states gets it.
    const state = await server.client.call('downloadState', { params: { workspace_id: workspace.workspace_id } });
    expect(Buffer.from(await state.bytes()).toString()).toContain('terraform_data');
  });

  test('a sensitive variable is write-only', async () => {
    const workspace = await createWorkspace(server);
    await setVariable(server, workspace, { key: 'password', value: PASSWORD, sensitive: true });
    const { items } = await server.client.call('listVariables', { params: { workspace_id: workspace.workspace_id } });
    expect(items).toMatchObject([{ key: 'password', value: null, sensitive: true }]);
    const variable_id = items[0]!.id;
    const updated = await server.client
      .call('updateVariable', {
        params: { workspace_id: workspace.workspace_id, variable_id },
        body: { description: 'changed', sensitive: false },
      })
      .catch((error: Error) => ({ value: null, message: error.message }));
    expect(updated.value).toBeNull();
  });
});

/** Everything a person can read of the task and its workspace, as it comes. */
async function collectAnswers(
  { client }: RunningServer,
  task: Task,
  workspaceId: string,
): Promise<Record<string, string>> {
  const ofTask = { params: { task_id: task.id } };
  const ofWorkspace = { params: { workspace_id: workspaceId } };
  const answers = {
    task: await client.call('getTask', { ...ofTask, query: { include: 'plan_output,apply_output' } }),
    plan: await client.call('getPlan', ofTask),
    events: await client.call('listTaskEvents', ofTask),
    attempts: await client.call('listAttempts', ofTask),
    workspace: await client.call('getWorkspace', ofWorkspace),
    variables: await client.call('listVariables', ofWorkspace),
    states: await client.call('listStateVersions', ofWorkspace),
    audit: await client.call('listAudit', { query: { limit: 200 } }),
    agents: await client.call('listAgents', {}),
  };
  return Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, JSON.stringify(answer)]));
}

/** Every file below a folder as text. */
function readFiles(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path, 'latin1') + readFileSync(path, 'utf8')];
    }),
  );
}
