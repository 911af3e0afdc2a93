import type { Server } from '../server/server.ts';
import type { Host, Process, World } from '../world.ts';
import { describeFault, type Fault, type FaultKind, isAboutHost } from './schedule.ts';

/** What faults are done to. */
export interface Target {
  readonly world: World;
  readonly server: Server;
  readonly hosts: readonly Host[];
  /** Starts the agent of a host, unless one runs. */
  startAgent(host: Host): void;
}

/** Does something now, and gives what ends it. */
type Act = (target: Target, fault: Fault, host: Host) => (() => void) | undefined;

/** Hosts, while their power is away. */
const dark = new WeakSet<Host>();

const processes = (host: Host, name: string): Process[] =>
  [...host.processes.values()].filter((process) => process.name === name);

/** The processes of an attempt: runner, launcher, Terraform and what that has started. */
const RUNS_AN_ATTEMPT: readonly string[] = ['runner', 'sh', 'terraform', 'provider'];

const killOne =
  (name: string): Act =>
  ({ world }, { id }, host) => {
    const found = processes(host, name);
    if (found.length > 0) world.dice.fork(`victim ${id}`).pick(found).end({ code: null, signal: 'SIGKILL' });
    return undefined;
  };

const stopAll =
  (name: string): Act =>
  ({ world }, { forMs }, host) => {
    for (const process of processes(host, name)) process.stopUntil(world.loop.now() + forMs);
    return undefined;
  };

const cut =
  (...ways: readonly ('both' | 'out' | 'back')[]): Act =>
  ({ world }, { id }, host) => {
    const { cut } = world.network.weather;
    cut.set(host.name, world.dice.fork(`way ${id}`).pick(ways));
    return () => cut.delete(host.name);
  };

const ACTS: Readonly<Record<FaultKind, Act>> = {
  delay: weather('delayMs', 2_500, 3),
  loss: weather('lost', 0.3, 0),
  duplicate: weather('duplicated', 0.5, 0),
  partition: cut('both'),
  half_open: cut('out', 'back'),
  server_crash: ({ server }) => {
    server.crash();
    return server.start;
  },
  server_stop: ({ world, server }, { forMs }) => {
    server.stopUntil(world.loop.now() + forMs);
    return undefined;
  },
  agent_kill: (target, _fault, host) => {
    for (const agent of processes(host, 'agent')) agent.end({ code: null, signal: 'SIGKILL' });
    return () => target.startAgent(host);
  },
  agent_stop: stopAll('agent'),
  runner_kill: killOne('runner'),
  runner_stop: stopAll('runner'),
  launcher_kill: killOne('sh'),
  terraform_kill: killOne('terraform'),
  // The kernel, short of memory, takes what it likes; what is left goes on as if nothing had happened.
  oom_kill: ({ world }, { id }, host) => {
    const dice = world.dice.fork(`victims ${id}`);
    for (const process of [...host.processes.values()])
      if (RUNS_AN_ATTEMPT.includes(process.name) && dice.chance(0.6)) process.end({ code: null, signal: 'SIGKILL' });
    return undefined;
  },
  power_cut: (target, _fault, host) => {
    dark.add(host);
    host.cutPower();
    return () => {
      dark.delete(host);
      target.startAgent(host);
    };
  },
  // One of them has to be left for all to come to an end.
  host_lost: ({ hosts }, _fault, host) => {
    if (hosts.some(({ lost }) => lost)) return undefined;
    host.lost = true;
    host.cutPower();
    return undefined;
  },
  disk_full: (_target, _fault, host) => {
    host.disk.fill(true);
    return () => host.disk.fill(false);
  },
  disk_slow: (_target, _fault, host) => {
    host.slowness = 400;
    return () => {
      host.slowness = 1;
    };
  },
  clock_jump: ({ world }, { id }, host) => {
    host.skewMs = world.dice.fork(`jump ${id}`).pick([-3_600_000, -20_000, 20_000, 3_600_000]);
    return () => {
      host.skewMs = 0;
    };
  },
};

function weather(what: 'delayMs' | 'lost' | 'duplicated', worst: number, quiet: number): Act {
  return ({ world }, { id }) => {
    world.network.weather[what] = worst * world.dice.fork(`weather ${id}`).next();
    return () => {
      world.network.weather[what] = quiet;
    };
  };
}

/** Has every fault happen at its time, and none after `windowMs`. */
export function injectFaults(target: Target, faults: readonly Fault[], windowMs: number): void {
  const { loop, ledger, startedAt } = target.world;
  const waiting = new Set<Fault>();
  for (const fault of faults)
    loop.after(fault.atMs, () => (fault.intoApplyMs === undefined ? strike(target, fault) : waiting.add(fault)));
  ledger.onBegin((run) => {
    for (const fault of [...waiting].filter(({ host }) => host === run.host)) {
      waiting.delete(fault);
      loop.after(fault.intoApplyMs ?? 0, () => {
        if (loop.now() < startedAt + windowMs) strike(target, fault);
      });
    }
  });
}

function strike(target: Target, fault: Fault): void {
  const { loop, trace } = target.world;
  const host = target.hosts.find(({ name }) => name === fault.host) ?? (target.hosts[0] as Host);
  if ((dark.has(host) || host.lost) && isAboutHost(fault)) return;
  trace.note('FAULT', describeFault(fault).trim());
  const end = ACTS[fault.kind](target, fault, host);
  if (end === undefined) return;
  loop.after(fault.forMs, () => {
    if (fault.kind !== 'power_cut' && isAboutHost(fault) && dark.has(host)) return;
    if (host.lost && isAboutHost(fault)) return;
    trace.note('FAULT', `${fault.kind} is over`);
    end();
  });
}

/** The end of all trouble: what can be well is well from now on. */
export function heal({ world, server, hosts, startAgent }: Target): void {
  const { weather: now } = world.network;
  world.trace.note('FAULT', 'the world heals');
  Object.assign(now, { delayMs: 3, lost: 0, duplicated: 0 });
  now.cut.clear();
  server.stopUntil(0);
  server.start();
  for (const host of hosts.filter(({ lost }) => !lost)) {
    host.disk.fill(false);
    host.slowness = 1;
    host.skewMs = 0;
    for (const process of host.processes.values()) process.stopUntil(0);
    startAgent(host);
  }
}
