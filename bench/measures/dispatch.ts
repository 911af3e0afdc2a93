import type { Lab } from '../../e2e/harness/index.ts';
import { createFleetBed, type FleetBed } from '../fleet-bed.ts';
import { createRow, type Row } from '../row.ts';
import { median } from '../statistics.ts';

const SIZE = { agents: 1_000, tasks: 10_000 };
const MOST_PASS_MS = 50;
const LEAST_CLAIMS = 1_000;

/**
 * How long a pass takes that reads the queue and decides about every task of it, and how many offers per second are decided,
 * written and committed while the queue stays long.
 */
export async function measureDispatch(lab: Lab, repeats: number): Promise<Row[]> {
  const bed = await createFleetBed(lab.newFolder('dispatch'), SIZE);
  try {
    const claims = await measureClaims(bed, repeats);
    const passes = await measureFullPasses(bed, repeats * 4);
    return [
      createRow(
        'dispatch: a full pass over 10,000 waiting tasks and 1,000 agents, no slot free',
        median(passes),
        'ms',
        MOST_PASS_MS,
      ),
      createRow(
        'dispatch: time per 1,000 claims, embedded database',
        1_000_000 / median(claims),
        'ms',
        1_000_000 / LEAST_CLAIMS,
      ),
    ];
  } finally {
    await bed.close();
  }
}

/** Claims per second of passes that fill every slot, each with the queue at its full length. */
async function measureClaims(bed: FleetBed, repeats: number): Promise<number[]> {
  const rates: number[] = [];
  for (let n = 0; n < repeats; n += 1) {
    const { result, ms } = await timed(bed.pass);
    if (result === 0) throw new Error('A pass with free slots gave nothing away.');
    rates.push((result * 1_000) / ms);
    await bed.endAll();
    await bed.refill();
  }
  return rates;
}

/** With every slot taken, nothing is given away; the first ones still write why each task waits. */
async function measureFullPasses(bed: FleetBed, repeats: number): Promise<number[]> {
  while ((await bed.pass()) > 0);
  for (let n = 0; n < 10; n += 1) await bed.pass();
  const times: number[] = [];
  for (let n = 0; n < repeats; n += 1) {
    const { result, ms } = await timed(bed.pass);
    if (result !== 0) throw new Error('A pass without free slots gave something away.');
    times.push(ms);
  }
  return times;
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, ms: performance.now() - startedAt };
}
