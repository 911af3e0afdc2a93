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
 * 1,000 independent resources, each a block of its own: init, plan and apply, against the same commands bare. The local back end
 * writes its whole file after every resource, takes most of the time and is measured once.
 */
export async function measureManyResources(bed: Bed, rounds: number): Promise<Row[]> {
  const [ours, http]: [number[], number[]] = [[], []];
  const bare = { folder: bed.lab.folder, files: WIDE, terraform: bed.terraform.path };
  for (let n = 0; n < rounds; n += 1) {
    const workspace = await bed.createWorkspace(WIDE);
    await bed.settle();
    ours.push((await bed.apply(workspace)).ms);
    await bed.settle();
    http.push((await runBare({ ...bare, backend: 'http' })).ms.total);
  }
  const local = (await runBare({ ...bare, backend: 'local' })).ms.total;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    createRow('1,000 resources, plan + apply', median(ours) / 1000, 's'),
    createRow('1,000 resources, against local state', median(ours) / local, '×', 0.15, `bare ${seconds(local)}`),
    createRow(
      '1,000 resources, against http back end',
      median(ours) / median(http),
      '×',
      1.15,
      `bare ${seconds(median(http))}`,
    ),
  ];
}
