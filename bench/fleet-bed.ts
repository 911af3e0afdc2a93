import { createLogger } from '@groundcrew/kit';
import { buildServer } from '@groundcrew/server/build-server';
import { readConfiguration } from '@groundcrew/server/configuration';
import { connect, migrate } from '@groundcrew/server/platform/database';
import { createEmbeddedPostgres } from '@groundcrew/server/platform/embedded-postgres';

export interface FleetSize {
  agents: number;
  tasks: number;
}

/** A server in this process on an embedded database of its own, with agents that count as reachable and a long queue. */
export interface FleetBed {
  /** One pass of the dispatcher; the number of offers made. */
  pass(): Promise<number>;
  /** Everything that is under way ends, so that every slot is free again. */
  endAll(): Promise<void>;
  /** Lets the queue be as long as it was. */
  refill(): Promise<void>;
  close(): Promise<void>;
}

const LOGGER = createLogger({ name: 'bench', level: 'error' });

/** @param homeDir an empty folder */
export async function createFleetBed(homeDir: string, size: FleetSize): Promise<FleetBed> {
  const postgres = createEmbeddedPostgres({ homeDir, logger: LOGGER });
  const address = await postgres.start();
  await migrate(address);
  const configuration = readConfiguration({
    GROUNDCREW_HOME: homeDir,
    GROUNDCREW_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  });
  const server = await buildServer({ configuration, address, logger: LOGGER });
  const session = await connect(address, 'bench');
  const run = (statement: string) => session.query(statement);
  for (const statement of seed(size)) await run(statement);
  return {
    pass: () => server.modules.tasks.dispatcher.pass(),
    async endAll() {
      await run(`UPDATE attempts SET state = 'ended', outcome = 'finished', ended_at = now() WHERE state <> 'ended'`);
      await run(
        `UPDATE tasks SET status = 'success', attempt_id = NULL, deadline_at = NULL WHERE attempt_id IS NOT NULL`,
      );
    },
    async refill() {
      await run(
        `INSERT INTO tasks ${newTasks(`(SELECT ${size.tasks} - count(*) FROM tasks WHERE status = 'pending' AND attempt_id IS NULL)`)}`,
      );
      await run('ANALYZE');
    },
    async close() {
      await session.end();
      await server.close();
      await postgres.stop();
    },
  };
}

/** Agents of ten pools, and a workspace for every task: the kindest case for nobody. */
const seed = ({ agents, tasks }: FleetSize): string[] => [
  `INSERT INTO organizations (id, name) VALUES ('org-bench', 'bench')`,
  `INSERT INTO pools (id, organization_id, name, pool_type, selection_strategy)
    SELECT 'pool-bench' || n, 'org-bench', 'pool-' || n, 'dynamic', (ARRAY['round_robin', 'least_busy', 'label_match'])[n % 3 + 1] FROM generate_series(0, 9) n`,
  `INSERT INTO agents (id, organization_id, agent_id, name, pool_id, limits, capabilities, last_heartbeat_at, last_message_at, last_pull_at)
    SELECT 'agent-bench' || n, 'org-bench', 'host-' || n, 'host-' || n, 'pool-bench' || n % 10, '{"max_concurrent_jobs": 3}',
      '{"terraform_versions": ["1.11.4"], "installs_versions": true}', now() + interval '1 day', now() + interval '1 day', now() + interval '1 day'
    FROM generate_series(1, ${agents}) n`,
  `INSERT INTO workspaces (id, organization_id, name, execution_mode, agent_pool_id, labels)
    SELECT 'ws-bench' || n, 'org-bench', 'ws-' || n, 'agent', 'pool-bench' || n % 10, '[]' FROM generate_series(1, ${tasks}) n`,
  `INSERT INTO tasks ${newTasks(String(tasks))}`,
  'ANALYZE',
];

const newTasks = (
  count: string,
): string => `(id, organization_id, workspace_id, task_type, status, auto_approve, pool_id, created_by)
    SELECT 'task-' || replace(gen_random_uuid()::text, '-', ''), 'org-bench', 'ws-bench' || n, 'plan', 'pending', false, 'pool-bench' || n % 10, 'bench'
    FROM generate_series(1, ${count}) n`;
