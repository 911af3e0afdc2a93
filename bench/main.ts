import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLab, type Lab } from '../e2e/harness/index.ts';
import { type Bed, createBed } from './bed.ts';
import { describeMachine, formatMachine, type Machine } from './machine.ts';
import { measureDispatch } from './measures/dispatch.ts';
import { measureFleet } from './measures/fleet.ts';
import { measureHeartbeats } from './measures/heartbeats.ts';
import { measureHistory } from './measures/history.ts';
import { measureLineLatency } from './measures/line-latency.ts';
import { measureManyResources } from './measures/many-resources.ts';
import { measureMemory } from './measures/memory.ts';
import { measureMillionLines } from './measures/million-lines.ts';
import { measureOverhead } from './measures/overhead.ts';
import { measureReadiness } from './measures/readiness.ts';
import { measureStart } from './measures/start.ts';
import { formatTable, type Row } from './row.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    /** Exit code 0 whatever the figures, as long as each was measured. */
    report: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});

const MUCH_HISTORY = { tasks: 1_000_000, workspaces: 10_000, asked: 100, dispatched: 200 };
const SOME_HISTORY = { tasks: 100_000, workspaces: 2_000, asked: 20, dispatched: 60 };

type Measure = (bed: Bed) => Promise<Row[]>;
/** Fewer repeats, the same things. */
const repeats = (full: number, quick: number): number => (flags.quick ? quick : full);
const MEASURES: Readonly<Record<string, Measure>> = {
  memory: (bed) => measureMemory(bed),
  start: (bed) => measureStart(bed, repeats(200, 40)),
  overhead: (bed) => measureOverhead(bed, repeats(25, 9)),
  'line-latency': (bed) => measureLineLatency(bed, repeats(1_000, 300)),
  'many-resources': (bed) => measureManyResources(bed, repeats(5, 2)),
  'million-lines': (bed) => measureMillionLines(bed, repeats(3, 1)),
  fleet: (bed) => measureFleet(bed.lab, repeats(10, 3)),
  heartbeats: (bed) => measureHeartbeats(bed.lab, repeats(120, 45)),
  history: (bed) => measureHistory(bed.lab, flags.quick ? SOME_HISTORY : MUCH_HISTORY),
  dispatch: (bed) => measureDispatch(bed.lab, repeats(5, 2)),
  readiness: (bed) => measureReadiness(bed.lab, repeats(7, 3)),
};

async function runAll(lab: Lab): Promise<{ rows: Row[]; machine: Machine }> {
  const bed = await createBed(lab);
  const machine = await describeMachine(bed.server.home);
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (flags.only !== undefined && !flags.only.split(',').includes(name)) continue;
    process.stderr.write(`measuring ${name} …\n`);
    rows.push(...(await measure(bed)));
  }
  return { rows, machine };
}

function write(rows: readonly Row[], machine: Machine): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const name = `${date}-${flags.quick ? 'quick' : 'full'}.json`;
  writeFileSync(join(folder, name), `${JSON.stringify({ date, machine, rows }, null, 2)}\n`);
}

const lab = await createLab();
// Ctrl-C ends the process by itself; the lab then ends what it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
try {
  const { rows, machine } = await runAll(lab);
  if (flags.json) for (const row of rows) console.log(JSON.stringify(row));
  else console.log(`\n${formatTable(rows)}\n\n${formatMachine(machine)}`);
  if (flags.write) write(rows, machine);
  process.exitCode = flags.report || rows.every(({ met }) => met) ? 0 : 1;
} finally {
  await lab.close();
}
// Not left to Node, which waits for handles of connections that were cut.
process.exit();
