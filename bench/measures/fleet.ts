import type { Pool, TaskId, Workspace } from '@groundcrew/protocol';
import { createPool, createTask, createWorkspace, type Lab, type RunningServer } from '../../e2e/harness/index.ts';
import { startFleet } from '../fleet/start-fleet.ts';
import { createRow, type Row } from '../row.ts';
import { median, percentile } from '../statistics.ts';

const SIZE = 120;
const MODES = ['push', 'pull'] as const;

/** As many tasks as agents, all asked for at once: how long until every agent has one that counts. */
export async function measureFleet(lab: Lab, rounds: number): Promise<Row[]> {
  const server = await lab.startServer({ env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' } });
  try {
    const rows: Row[] = [];
    for (const mode of MODES) rows.push(...(await measureMode(server, mode, rounds)));
    return rows;
  } finally {
    await server.stop();
  }
}

async function measureMode(server: RunningServer, mode: (typeof MODES)[number], rounds: number): Promise<Row[]> {
  const { pool, token } = await createPool(server);
  const acceptedAt = new Map<TaskId, number>();
  const onAccepted = (id: TaskId) => void acceptedAt.set(id, performance.now());
  // No agent is free for a second task before every task is taken.
  let gate = Promise.withResolvers<void>();
  const hold = () => gate.promise;
  const common = { serverUrl: server.url, poolToken: token, mode, hold };
  const fleet = await startFleet(SIZE, { ...common, prefix: `fleet-${mode}`, onAccepted });
  try {
    const workspaces = await createWorkspaces(server, pool);
    const [whole, single]: [number[], number[]] = [[], []];
    for (let n = 0; n < rounds; n += 1) {
      const askedAt = await askForAll(server, workspaces);
      const lastAskedAt = performance.now();
      await server.until(
        'every task is taken',
        () => [...askedAt.keys()].every((id) => acceptedAt.has(id)) || undefined,
      );
      const at = (id: TaskId): number => acceptedAt.get(id) ?? Number.NaN;
      whole.push(Math.max(0, ...[...askedAt.keys()].map((id) => at(id) - lastAskedAt)));
      single.push(...[...askedAt].map(([id, asked]) => at(id) - asked));
      gate.resolve();
      await server.until('every agent is free', async () => (await countActive(server)) === 0 || undefined);
      gate = Promise.withResolvers();
    }
    if (fleet.faults.length > 0)
      throw new Error(`The fleet had ${fleet.faults.length} faults.`, { cause: fleet.faults[0] });
    return [
      createRow(
        `${SIZE} agents and tasks, ${mode}: last enqueue → all accepted, worst of ${rounds}`,
        Math.max(...whole) / 1000,
        's',
        1,
      ),
      createRow(`${SIZE} agents and tasks, ${mode}: last enqueue → all accepted, p50`, median(whole) / 1000, 's'),
      createRow(`${SIZE} agents and tasks, ${mode}: POST task → accepted, p50`, median(single), 'ms'),
      createRow(`${SIZE} agents and tasks, ${mode}: POST task → accepted, p99`, percentile(single, 0.99), 'ms'),
    ];
  } finally {
    fleet.close();
  }
}

async function createWorkspaces(server: RunningServer, pool: Pool): Promise<Workspace[]> {
  const workspaces: Workspace[] = [];
  for (let n = 0; n < SIZE; n += 1)
    workspaces.push(await createWorkspace(server, { pool, tf_code: 'resource "terraform_data" "one" {}' }));
  return workspaces;
}

/** When each task was asked for, by its id. */
async function askForAll(server: RunningServer, workspaces: readonly Workspace[]): Promise<Map<TaskId, number>> {
  const asked = workspaces.map(async (workspace) => {
    const at = performance.now();
    const { id } = await createTask(server, workspace, { task_type: 'plan' });
    return [id, at] as const;
  });
  return new Map(await Promise.all(asked));
}

const countActive = async ({ client }: RunningServer): Promise<number> =>
  (await client.call('listTasks', { query: { active: 'true', limit: 200 } })).items.length;
