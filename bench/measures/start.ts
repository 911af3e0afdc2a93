import { createTask, waitForEnd } from '../../e2e/harness/index.ts';
import type { Bed } from '../bed.ts';
import { createRow, type Row } from '../row.ts';
import { now } from '../stamped-terraform.ts';
import { median, percentile } from '../statistics.ts';
import { measureQueue } from './queue.ts';

const TINY = { 'main.tf': 'resource "terraform_data" "one" {}' };

/** From `POST task` to the start of the first Terraform process, with an idle push agent; beside it the bare queue. */
export async function measureStart(bed: Bed, samples: number): Promise<Row[]> {
  const workspace = await bed.createWorkspace(TINY);
  const delays: number[] = [];
  for (let n = 0; n < samples + WARM_UP; n += 1) {
    await bed.settle();
    const askedAt = now();
    const { id } = await createTask(bed.server, workspace, { task_type: 'plan' });
    const first = await bed.terraform.waitFor('start', 'init', askedAt);
    if (first === undefined) throw new Error('No Terraform process was seen to start.');
    await waitForEnd(bed.server, id);
    if (n >= WARM_UP) delays.push(first.at - askedAt);
  }
  const queue = await measureQueue(bed.server.home, 300);
  return [
    createRow('POST task → Terraform started, p50', median(delays), 'ms', 25),
    createRow('POST task → Terraform started, p99', percentile(delays, 0.99), 'ms', 100),
    createRow('bare queue, enqueue → claim, p50', median(queue), 'ms'),
    createRow('bare queue, enqueue → claim, p99', percentile(queue, 0.99), 'ms'),
  ];
}

/** The first ones meet cold caches, and a steady state is what is asked for. */
const WARM_UP = 3;
