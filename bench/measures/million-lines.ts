import { readWholeLog, runBare } from '../../e2e/harness/index.ts';
import type { Bed } from '../bed.ts';
import { createRow, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const LINES = 1_000_000;
const LOUD = {
  'main.tf': `resource "terraform_data" "loud" {
    provisioner "local-exec" { command = "seq ${LINES}" }
  }`,
};

/** A provisioner that prints a million lines: how long the log takes after Terraform's exit, and the whole run against a bare one. */
export async function measureMillionLines(bed: Bed, rounds: number): Promise<Row[]> {
  const [ours, bare, after]: [number[], number[], number[]] = [[], [], []];
  for (let n = 0; n < rounds; n += 1) {
    const workspace = await bed.createWorkspace(LOUD);
    await bed.settle();
    const { task, ms, startedAt } = await bed.apply(workspace);
    const exit = bed.terraform
      .listStamps(startedAt)
      .findLast(({ what, command }) => what === 'end' && command === 'apply');
    if (exit === undefined) throw new Error('The end of Terraform was not seen.');
    after.push(startedAt + ms - exit.at);
    ours.push(ms);
    // Complete when the task had ended, or this throws.
    const { text } = await readWholeLog(bed.server, task.id, 'apply');
    if (countLines(text) < LINES) throw new Error(`Of ${LINES} lines the log has ${countLines(text)}.`);
    await bed.settle();
    const run = await runBare({ folder: bed.lab.folder, files: LOUD, backend: 'http', terraform: bed.terraform.path });
    bare.push(run.ms.total);
  }
  const seconds = (median(bare) / 1000).toFixed(1);
  return [
    createRow("1,000,000 lines, Terraform's exit → log complete", median(after) / 1000, 's', 2),
    createRow('1,000,000 lines, whole run', median(ours) / median(bare), '×', 1.15, `bare ${seconds} s`),
  ];
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('(local-exec):'); at >= 0; at = text.indexOf('(local-exec):', at + 1)) lines += 1;
  return lines;
}
