import type { SimulationOptions, SimulationResult } from './simulate.ts';

type Simulate = (seed: number, options: SimulationOptions) => Promise<SimulationResult>;

/**
 * Leaves out fault after fault for as long as the seed still goes wrong: what is left is what it takes. Every fault has dice of
 * its own, so that leaving one out changes nothing about the others.
 */
export async function shrink(
  simulate: Simulate,
  failed: SimulationResult,
  options: SimulationOptions,
): Promise<SimulationResult> {
  let smallest = failed;
  for (const { id } of failed.faults) {
    const onlyFaults = new Set(smallest.faults.map((fault) => fault.id).filter((kept) => kept !== id));
    const result = await simulate(failed.seed, { ...options, onlyFaults });
    if (result.violations.length > 0) smallest = result;
  }
  return smallest;
}
