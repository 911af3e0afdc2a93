import type { Bugs } from './bugs.ts';
import type { Target } from './faults/inject.ts';
import { agentProgram, WORK_FOLDER } from './host/agent-program.ts';
import { execute } from './host/child-process.ts';
import { createHost } from './host/host.ts';
import { installPrograms } from './host/programs.ts';
import { runnerProgram } from './host/runner-program.ts';
import { createDice } from './kernel/dice.ts';
import { createEventLoop } from './kernel/event-loop.ts';
import { replaceGlobals } from './kernel/globals.ts';
import { createTrace } from './kernel/trace.ts';
import { createNetwork } from './network/network.ts';
import { createPeople, type People } from './people/people.ts';
import { createServer } from './server/server.ts';
import { createLedger } from './terraform/ledger.ts';
import { terraform } from './terraform/terraform.ts';
import type { Host, World } from './world.ts';

export interface BuiltWorld extends Target {
  readonly people: People;
  readonly violations: readonly string[];
  /** Server and agents begin. */
  start(): void;
  /** Gives the machine its own time, dice and signals back. */
  leave(): void;
}

/** The first moment of every world. */
const START = Date.UTC(2026, 0, 1);

/** One server, two or three hosts with an agent each, people, and a network between them. Until `leave` it is the only world there is. */
export function buildWorld(seed: number, options: { bugs?: Bugs; print?: (line: string) => void }): BuiltWorld {
  const violations: string[] = [];
  const dice = createDice(String(seed));
  const loop = createEventLoop(START);
  const trace = createTrace(loop.now, START, options.print);
  function violate(sentence: string): void {
    trace.note('VIOLATION', sentence);
    violations.push(sentence);
  }
  const world: World = {
    loop,
    dice,
    trace,
    startedAt: START,
    network: createNetwork(dice.fork('network'), loop),
    ledger: createLedger(violate),
    bugs: options.bugs ?? {},
    violate,
  };
  installPrograms(terraform, runnerProgram);
  // Before anything draws an id.
  const leave = replaceGlobals(world);
  const server = createServer(world);
  world.network.connect(server);
  const hosts = ['host-a', 'host-b', 'host-c'].slice(0, dice.between(2, 3)).map((name) => makeHost(world, name));
  return {
    world,
    server,
    hosts,
    people: createPeople(world, server, dice.fork('people')),
    violations,
    startAgent,
    leave,
    start() {
      server.start();
      for (const host of hosts) startAgent(host);
    },
  };
}

function makeHost(world: World, name: string): Host {
  const host = createHost(world, name);
  for (const path of [`${WORK_FOLDER}/a`, '/versions', '/bin']) host.disk.makeFolder(path, true);
  host.disk.makeFile('/bin/terraform', false);
  for (const path of ['/', WORK_FOLDER, '/bin']) host.disk.sync(host.disk.folder(path));
  return host;
}

function startAgent(host: Host): void {
  if ([...host.processes.values()].some(({ name }) => name === 'agent')) return;
  const process = host.start('agent');
  const io = { args: [], env: {}, cwd: '/', input: Promise.resolve(''), print: () => {} };
  host.world.trace.note(host.name, `agent ${process.pid} starts`);
  process.after(50, () => execute(agentProgram, { process, ...io }));
}
