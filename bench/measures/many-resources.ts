import { runBare } from '../../e2e/harness/index.ts';
import type { Bed } from '../bed.ts';
import { createRow, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const RESOURCES = 1_000;
const WIDE = {
  'main.tf': Array.from({ length: RESOURCES }, (_, n) => `resource "terraform_data" "r${n}" { input = "${n}" }`).join(
    '\n',
  ),
};

/**
 * The apply of 1,000 independent resources, each a block of its own: from the plan's being known to the task's being applied,
 * against Terraform's apply of the same plan, bare. The local back end writes its whole file after every resource, takes most of
 * the time and is measured once. Beside it the whole, init, plan and show included.
 */
export async function measureManyResources(bed: Bed, rounds: number): Promise<Row[]> {
  const [ours, http, whole, bareWhole]: [number[], number[], number[], number[]] = [[], [], [], []];
  const bare = { folder: bed.lab.folder, files: WIDE, terraform: bed.terraform.path };
  for (let n = 0; n < rounds; n += 1) {
    const workspace = await bed.createWorkspace(WIDE);
    await bed.settle();
    const { ms, startedAt } = await bed.apply(workspace);
    const shown = await bed.terraform.waitFor('end', 'show', startedAt);
    if (shown === undefined) throw new Error('Nobody saw the plan being shown.');
    whole.push(ms);
    ours.push(startedAt + ms - shown.at);
    await bed.settle();
    const run = await runBare({ ...bare, backend: 'http' });
    http.push(run.ms.apply);
    bareWhole.push(run.ms.total);
  }
  const local = (await runBare({ ...bare, backend: 'local' })).ms.apply;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    createRow('1,000 resources, plan + apply', median(whole) / 1000, 's'),
    createRow(
      '1,000 resources, plan + apply, against http back end',
      median(whole) / median(bareWhole),
      '×',
      undefined,
      `bare ${seconds(median(bareWhole))}`,
    ),
    createRow(
      'apply of 1,000 resources, against local state',
      median(ours) / local,
      '×',
      0.15,
      `bare ${seconds(local)}`,
    ),
    createRow(
      'apply of 1,000 resources, against http back end',
      median(ours) / median(http),
      '×',
      1.15,
      `bare ${seconds(median(http))}`,
    ),
  ];
}
