import { setTimeout as sleep } from 'node:timers/promises';
import { findMemory } from '../../e2e/harness/index.ts';
import type { Bed } from '../bed.ts';
import { createRow, type Row } from '../row.ts';

const LIMIT_MB = 60;
/** Long enough for start-up garbage to be what it stays at. */
const IDLE_MS = 3_000;

/** Resident memory of the agent and of its spare runner, bundled, while there is nothing to do. */
export async function measureMemory(bed: Bed): Promise<Row[]> {
  await bed.settle();
  await sleep(IDLE_MS);
  const [runner] = bed.agent.listRunners();
  const megabytes = (pid: number | undefined): number => {
    const bytes = pid === undefined ? undefined : findMemory(pid);
    if (bytes === undefined) throw new Error('There is no idle process to measure.');
    return bytes / 2 ** 20;
  };
  return [
    createRow('idle agent, resident', megabytes(bed.agent.pid), 'MB', LIMIT_MB),
    createRow('idle runner, resident', megabytes(runner?.pid), 'MB', LIMIT_MB),
  ];
}
