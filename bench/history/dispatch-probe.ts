import type { TaskId } from '@groundcrew/protocol';
import { createPool, createTask, createWorkspace, type RunningServer } from '../../e2e/harness/index.ts';
import { startFleet } from '../fleet/start-fleet.ts';

const TF_CODE = 'resource "terraform_data" "one" {}';

/** One workspace and one agent of a server, to time how long an order takes from its `POST` to the agent's socket. */
export async function createDispatchProbe(server: RunningServer) {
  const { pool, token } = await createPool(server);
  const offeredAt = new Map<TaskId, number>();
  const ended = new Set<TaskId>();
  const fleet = await startFleet(1, {
    serverUrl: server.url,
    poolToken: token,
    mode: 'push',
    prefix: 'probe',
    onOffered: (id) => void offeredAt.set(id, performance.now()),
    onEnded: (id) => void ended.add(id),
  });
  const workspace = await createWorkspace(server, { pool, tf_code: TF_CODE });
  return {
    /** Milliseconds of one dispatch; resolves when the agent is free again. */
    async time(): Promise<number> {
      const askedAt = performance.now();
      const { id } = await createTask(server, workspace, { task_type: 'plan' });
      // A dispatcher whose tables were locked for minutes looks again half a minute later.
      await server.until(`task ${id} has ended`, () => ended.has(id) || undefined, 90_000);
      const [fault] = fleet.faults;
      if (fault !== undefined) throw fault;
      return (offeredAt.get(id) ?? Number.NaN) - askedAt;
    },
    close: () => fleet.close(),
  };
}
