import type { Bugs } from './bugs.ts';
import { type BuiltWorld, buildWorld } from './build-world.ts';
import { checkClosed, checkDelivered, checkEnds } from './checks/check-ends.ts';
import { checkLogs } from './checks/check-logs.ts';
import { checkStates } from './checks/check-states.ts';
import { listKeptFolders } from './checks/folders.ts';
import { findMisdeed } from './checks/watch-applies.ts';
import { heal, injectFaults } from './faults/inject.ts';
import { drawFaults, type Fault, type FaultKind } from './faults/schedule.ts';

export interface SimulationOptions {
  /** Only these of the faults that the seed draws, by id. All when not given. */
  readonly onlyFaults?: ReadonlySet<number>;
  /** Faults of these kinds only. */
  readonly kinds?: readonly FaultKind[] | undefined;
  readonly bugs?: Bugs;
  /** Given every line of the trace. */
  readonly print?: (line: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** Sentences; empty when all is well. */
  readonly violations: readonly string[];
  readonly faults: readonly Fault[];
  readonly lastEvents: readonly string[];
  /** Names everything that happened: the same for the same seed. */
  readonly digest: string;
  readonly figures: SimulationFigures;
}

export interface SimulationFigures {
  readonly events: number;
  readonly simulatedSeconds: number;
  readonly tasks: number;
  readonly attempts: number;
  readonly applies: number;
  readonly logBytes: number;
  readonly needsAttention: number;
}

const MINUTE = 60_000;
/** Faults happen, and people act, for so long. */
const WINDOW_MS = 8 * MINUTE;
/** Longer than any deadline of the life cycle but a plan's life. */
const PATIENCE_MS = 4 * 60 * MINUTE;
const PEOPLE_EVERY_MS = 12_000;
/** Rejections that nobody handles would end a process of the product. */
const UNHANDLED = 'unhandledRejection';

/**
 * Lives through one seed: a window in which faults happen and people act, then a world that heals, until every task has come
 * to an end or a verdict; then everything is held against what really happened.
 */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const built = buildWorld(seed, options);
  const { world, violations } = built;
  const onRejection = (error: unknown) => world.violate(`nobody handles: ${(error as Error)?.stack ?? error}`);
  process.on(UNHANDLED, onRejection);
  const drawn = drawFaults(world.dice.fork('faults'), {
    hosts: built.hosts.map(({ name }) => name),
    windowMs: WINDOW_MS,
    kinds: options.kinds,
  });
  const faults = drawn.filter(({ id }) => options.onlyFaults?.has(id) ?? true);
  let logBytes = 0;
  // Nobody reads them but a person, and taking them costs a third of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = options.print === undefined ? 0 : stackTraceLimit;
  try {
    built.start();
    injectFaults(built, faults, WINDOW_MS);
    await liveThrough(built);
    if (violations.length === 0) logBytes = judge(built);
  } finally {
    process.off(UNHANDLED, onRejection);
    built.leave();
    Error.stackTraceLimit = stackTraceLimit;
  }
  const lastEvents = world.trace.last(40);
  return { seed, violations, faults, lastEvents, digest: world.trace.digest(), figures: count(built, logBytes) };
}

async function liveThrough(built: BuiltWorld): Promise<void> {
  const { world, people, violations } = built;
  const { loop } = world;
  const start = loop.now();
  const wrong = () => violations.length > 0;
  const repeat = (ms: number, act: () => void, until: number) => {
    if (loop.now() >= until) return;
    act();
    loop.after(ms, () => repeat(ms, act, until));
  };
  world.ledger.onMake((run) => {
    const sentence = findMisdeed(built.server.database.tables, run);
    if (sentence !== undefined) world.violate(sentence);
  });
  repeat(PEOPLE_EVERY_MS, people.act, start + WINDOW_MS);
  await loop.run(() => wrong() || loop.now() >= start + WINDOW_MS);
  if (wrong()) return;
  heal(built);
  const patience = loop.now() + PATIENCE_MS;
  repeat(30_000, people.attend, patience);
  await loop.run(() => wrong() || loop.now() >= patience || isSettled(built));
  // What is late comes now: polls, deliveries, folders that are removed.
  const late = loop.now() + 3 * MINUTE;
  await loop.run(() => wrong() || loop.now() >= late);
}

const isSettled = ({ server, hosts }: BuiltWorld): boolean =>
  checkEnds(server.database.tables).length === 0 &&
  checkDelivered(server.database.tables, listKeptFolders(hosts)).length === 0;

/** Holds what the server has against what really happened; gives the bytes of log that were compared. */
function judge({ world, server, hosts, people }: BuiltWorld): number {
  const { tables } = server.database;
  const folders = listKeptFolders(hosts);
  const logs = checkLogs(tables, folders);
  const found = [
    ...checkEnds(tables),
    ...checkDelivered(tables, folders),
    ...checkStates(tables, world.ledger.runs, (name) => hosts.some((host) => host.lost && host.name === name)),
    ...logs.violations,
  ];
  people.closeAll();
  for (const sentence of [...found, ...checkClosed(tables)]) world.violate(sentence);
  return logs.bytes;
}

function count({ world, server }: BuiltWorld, logBytes: number): SimulationFigures {
  const fences = [...server.database.tables.fences.values()];
  const tasks = fences.flatMap((fence) => fence.tasks);
  return {
    events: world.loop.steps(),
    simulatedSeconds: Math.round((world.loop.now() - world.startedAt) / 1000),
    tasks: tasks.length,
    attempts: fences.flatMap(({ attempts }) => attempts).length,
    applies: world.ledger.runs.filter(({ made }) => made.length > 0).length,
    logBytes,
    needsAttention: tasks.filter(({ reason }) => reason?.code === 'closed').length,
  };
}
