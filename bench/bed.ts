import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, Task, Workspace } from '@groundcrew/protocol';
import {
  createPool,
  createTask,
  createWorkspace,
  type Lab,
  pushFiles,
  type RunningAgent,
  type RunningServer,
  waitForEnd,
} from '../e2e/harness/index.ts';
import { createStampedTerraform, now, type StampedTerraform } from './stamped-terraform.ts';

/** The whole system at rest, as measurements want it: server with its embedded database, one push agent, nothing else to do. */
export interface Bed {
  lab: Lab;
  server: RunningServer;
  agent: RunningAgent;
  pool: Pool;
  terraform: StampedTerraform;
  /** A workspace whose tasks the agent runs and nobody has to approve. */
  createWorkspace(files: Readonly<Record<string, string>>): Promise<Workspace>;
  /** Asks for a plan and apply and waits until it is applied; milliseconds from before the request until the end was known. */
  apply(workspace: Workspace): Promise<{ task: Task; ms: number; startedAt: number }>;
  /** Waits until everything is at rest again and a spare runner is ready. */
  settle(): Promise<void>;
}

/** Starts it in a lab, which also ends it. */
export async function createBed(lab: Lab): Promise<Bed> {
  const terraform = createStampedTerraform(join(lab.folder, 'bin'));
  const server = await lab.startServer({ env: { GROUNDCREW_BUILT_IN_AGENT_ENABLED: 'false' } });
  const { pool, token } = await createPool(server);
  const path = `${terraform.folder}:${process.env.PATH}`;
  const agent = await lab.startAgent({ server, token, mode: 'push', path });

  async function settle(): Promise<void> {
    const isReady = () => {
      const folders = agent.listFolders();
      return (
        folders.length === 1 && folders.every((folder) => existsSync(join(folder, 'sock'))) && !hasTask(folders[0])
      );
    };
    for (let tries = 0; tries < 200 && !isReady(); tries += 1) await sleep(25);
    await sleep(300);
  }

  return {
    lab,
    server,
    agent,
    pool,
    terraform,
    settle,
    async createWorkspace(files) {
      const workspace = await createWorkspace(server, { pool, auto_approve: true });
      await pushFiles(server, workspace, files);
      return workspace;
    },
    async apply(workspace) {
      const startedAt = now();
      const { id } = await createTask(server, workspace);
      // Watching costs the server something, which is not what is measured; the end itself is told by its events.
      await terraform.waitFor('end', 'apply', startedAt, 300_000);
      const task = await waitForEnd(server, id, 300_000);
      const ms = now() - startedAt;
      if (task.status !== 'applied') throw new Error(`The task ended ${task.status}: ${task.error_message}`);
      return { task, ms, startedAt };
    },
  };
}

const hasTask = (folder = ''): boolean => existsSync(join(folder, 'task.json'));
