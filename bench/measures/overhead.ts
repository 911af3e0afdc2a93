import { runBare } from '../../e2e/harness/index.ts';
import type { Bed } from '../bed.ts';
import { createRow, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const ONE = { 'main.tf': 'resource "terraform_data" "one" { input = "one" }' };

/** Plan and apply of one resource, against the same commands run bare with an http back end; one after the other, in turns. */
export async function measureOverhead(bed: Bed, rounds: number): Promise<Row[]> {
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let n = 0; n < rounds + 1; n += 1) {
    const workspace = await bed.createWorkspace(ONE);
    await bed.settle();
    const { ms } = await bed.apply(workspace);
    await bed.settle();
    const run = await runBare({ folder: bed.lab.folder, files: ONE, backend: 'http', terraform: bed.terraform.path });
    // The first pair meets cold caches.
    if (n === 0) continue;
    ours.push(ms);
    bare.push(run.ms.total);
  }
  return [
    createRow(
      'plan + apply of one resource, added',
      median(ours) - median(bare),
      'ms',
      150,
      `bare ${Math.round(median(bare))} ms`,
    ),
  ];
}
