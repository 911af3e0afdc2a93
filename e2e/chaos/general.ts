import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../harness/index.ts';
import { type AskedTask, newToken } from './asked.ts';
import { type Bed, createBed } from './bed.ts';
import { countInFlight, findViolations, hasVerdict } from './checker.ts';
import { createDice } from './dice.ts';
import { runFaults } from './fault-loop.ts';
import { SHORT_FIGURES } from './figures.ts';
import type { Host } from './host.ts';
import { observe } from './observe.ts';
import { work } from './people.ts';
import { buildReport, type ChaosReport } from './report.ts';
import { timeVerdict } from './verdicts.ts';
import type { Violation } from './violation.ts';

export interface GeneralOptions {
  readonly lab: Lab;
  readonly seed: number;
  readonly minutes: number;
  readonly faults: number;
  readonly databaseUrl: string | undefined;
  readonly say: (line: string) => void;
}

const PEOPLE = ['v', 'w', 'x', 'y', 'z'] as const;
/** From the last fault on, until everything has come to its end or to a verdict. */
const SETTLE_MS = 240_000;
const LOOK_MS = 500;

/** The general run: people work, faults fall, everything heals, and then all that was kept apart is compared. */
export async function runGeneral(options: GeneralOptions): Promise<ChaosReport> {
  const { lab, seed, say } = options;
  const startedAt = performance.now();
  const bed = await createBed({
    lab,
    env: { ...SHORT_FIGURES, ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }) },
    hosts: [{ slots: 2 }, { slots: 2, smallDisk: true }, { slots: 2, mode: 'pull' }],
  });
  const asked: AskedTask[] = [];
  const acts = new Map<string, number>();
  const secret = newToken();
  const [goHome, giveUp] = [new AbortController(), new AbortController()];
  const verdicts: Promise<number | undefined>[] = [];
  const troubles: Violation[] = [];

  const people = PEOPLE.map((name, index) =>
    work({
      name,
      bed,
      dice: createDice(seed * 31 + index + 1),
      secret,
      onAsked: (task) => void asked.push(task),
      onAct: (act) => void acts.set(act, (acts.get(act) ?? 0) + 1),
      goHome: goHome.signal,
      giveUp: giveUp.signal,
    }).catch((error: Error) => {
      if (!giveUp.signal.aborted)
        troubles.push({ kind: 'broke_down', sentence: `${name} could not go on: ${error.message}` });
    }),
  );
  const watching = watchAgents(bed, goHome.signal, troubles);
  const tally = await runFaults({
    ...options,
    bed,
    onInjected: (_fault, { killed }) => {
      for (const id of killed) verdicts.push(timeVerdict(bed, id, giveUp.signal));
    },
  });

  say('no more faults; waiting for everything to come to its end');
  goHome.abort();
  await watching;
  bringAgentsUp(bed);
  const patience = setTimeout(() => giveUp.abort(), SETTLE_MS);
  await Promise.all(people);
  await waitForFolders(bed, giveUp.signal);
  clearTimeout(patience);
  say(`comparing ledger, states and logs of ${asked.length} tasks`);
  const seen = await observe(bed, asked, secret);
  giveUp.abort();
  for (const host of bed.hosts) troubles.push(...findLeftFolders(host));
  return buildReport({
    seed,
    minutes: (performance.now() - startedAt) / 60_000,
    tally,
    acts,
    seen,
    verdictsMs: (await Promise.all(verdicts)).filter((ms) => ms !== undefined),
    inFlight: countInFlight(seen),
    lacks: [...bed.lacks, ...(bed.ownsPostgres ? [] : [FOREIGN_POSTGRES]), CLOCK],
    violations: [...troubles, ...tally.violations, ...findViolations(seen)],
    undecided: seen.tasks.filter((task) => !hasVerdict(task)).length,
  });
}

const FOREIGN_POSTGRES = 'the PostgreSQL of --database-url is not killed or restarted: it is not ours';
const CLOCK =
  "the machine's own clock does not jump: it is everybody's, and PostgreSQL, by whose clock the server decides, reads that one; " +
  'the wall clocks of server and agents do, inside their processes';

const WATCH_MS = 1_000;

/** An agent that ends without being killed is a defect; it is started again all the same. */
async function watchAgents({ hosts }: Bed, until: AbortSignal, troubles: Violation[]): Promise<void> {
  while (!until.aborted) {
    await sleep(WATCH_MS);
    for (const { name, agent, isDown } of hosts) {
      if (isDown || !agent.isGone) continue;
      const last = agent.readLog().slice(-2_000);
      troubles.push({ kind: 'broke_down', sentence: `The agent of ${name} ended by itself:\n${last}` });
      agent.launch();
    }
  }
}

function bringAgentsUp({ hosts }: Bed): void {
  for (const { agent } of hosts) if (agent.isGone) agent.launch();
}

/** A folder is let go when the server has all of its attempt: log, state, result. */
async function waitForFolders({ hosts }: Bed, giveUp: AbortSignal): Promise<void> {
  while (!giveUp.aborted && hosts.some((host) => host.listTasks().length > 0)) await sleep(LOOK_MS);
}

const findLeftFolders = (host: Host): Violation[] =>
  host.listTasks().map((id) => ({
    kind: 'no_verdict',
    sentence: `${host.name} still has a folder of ${id}: not all of it was delivered.`,
  }));
