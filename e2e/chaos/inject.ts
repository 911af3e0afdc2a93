import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskId } from '@groundcrew/protocol';
import { sendSignal } from '../harness/index.ts';
import type { Bed } from './bed.ts';
import { FAULT_NAMES, type Fault, type FaultKind } from './faults.ts';
import type { Host, Role, Victim } from './host.ts';

/** What a fault did. */
export interface Injected {
  /** Whom it met, in words. */
  readonly victim: string;
  /** Tasks whose Terraform cannot have lived on. */
  readonly killed: readonly TaskId[];
}

/** What happens to be there for a fault; undefined as long as there is nothing. */
type Shell = (bed: Bed, fault: Fault, host: Host, onHit: (injected: Injected) => void) => Promise<boolean>;

/** What stands in for one thing at a time: two faults at the same target come one after the other. */
export function targetOf({ kind, host }: Fault): string {
  if (kind.endsWith('-server')) return 'server';
  if (kind.endsWith('-postgres')) return 'server';
  if (['cut', 'half-open', 'stall', 'delay'].includes(kind)) return `link ${host}`;
  return kind === 'full-disk' ? 'disk' : `host ${host}`;
}

/** Kinds that this bed allows. */
export function listPossible({ hosts, ownsPostgres }: Bed): FaultKind[] {
  const hasDisk = hosts.some(({ disk }) => disk !== undefined);
  return FAULT_NAMES.filter((kind) => (kind === 'full-disk' ? hasDisk : ownsPostgres || !kind.endsWith('-postgres')));
}

/**
 * Does a fault and undoes it, all but what the system has to mend itself. False when there was nobody to do it to.
 *
 * @param onHit told as soon as it has begun
 */
export function inject(bed: Bed, fault: Fault, onHit: (injected: Injected) => void): Promise<boolean> {
  const host = bed.hosts[fault.host];
  if (host === undefined) throw new Error(`There is no host ${fault.host}.`);
  return SHELLS[fault.kind](bed, fault, host, onHit);
}

/** A process of an attempt, and the host that it runs on. */
interface Found extends Victim {
  readonly host: Host;
}

const killProcess =
  (role: Role): Shell =>
  async (bed, fault, _host, onHit) => {
    const victim = pickVictim(bed, fault, role);
    if (victim === undefined || !sendSignal(victim.pid, 'SIGKILL')) return false;
    onHit({ victim: nameOf(victim), killed: role === 'terraform' ? [victim.taskId] : [] });
    return true;
  };

const stopProcess =
  (role: Role): Shell =>
  async (bed, fault, _host, onHit) => {
    const victim = pickVictim(bed, fault, role);
    if (victim === undefined) return false;
    return stopFor(victim.pid, fault.lastsMs, () => onHit({ victim: nameOf(victim), killed: [] }));
  };

const nameOf = ({ role, taskId, host }: Found): string => `${role} of ${taskId} on ${host.name}`;

/** One of the fault's own host; where nothing runs there, one of another. */
function pickVictim({ hosts }: Bed, { host: own, pick }: Fault, role: Role): Found | undefined {
  const inOrder = [...hosts.slice(own), ...hosts.slice(0, own)];
  const found = inOrder.map((host) => host.listVictims(role).map((victim) => ({ ...victim, host })));
  const there = found.find((victims) => victims.length > 0) ?? [];
  return there[Math.floor(pick * there.length)];
}

const LOOK_MS = 250;
/** Time for a program to begin, before anything else is done to it. */
const BEGIN_MS = 500;

async function bringUp(host: Host): Promise<void> {
  host.agent.launch();
  host.isDown = false;
  await sleep(BEGIN_MS);
}

const SHELLS: Readonly<Record<FaultKind, Shell>> = {
  async 'kill-server'({ server }, { lastsMs }, _host, onHit) {
    await server.kill9();
    onHit({ victim: 'the server', killed: [] });
    await sleep(lastsMs);
    await server.restart();
    return true;
  },
  async 'kill-agent'(_bed, { lastsMs }, host, onHit) {
    host.isDown = true;
    await host.agent.kill9();
    onHit({ victim: `the agent of ${host.name}`, killed: [] });
    await sleep(lastsMs);
    await bringUp(host);
    return true;
  },
  'kill-runner': killProcess('runner'),
  'kill-launcher': killProcess('launcher'),
  'kill-terraform': killProcess('terraform'),
  async 'kill-host'(_bed, { lastsMs }, host, onHit) {
    host.isDown = true;
    const victims = killHost(host);
    await host.agent.kill9();
    const killed = victims.filter(({ role }) => role === 'terraform').map(({ taskId }) => taskId);
    onHit({ victim: `${host.name} with ${victims.length} processes of attempts`, killed });
    await sleep(lastsMs);
    await bringUp(host);
    return true;
  },
  'kill-postgres': (bed, _fault, _host, onHit) => signalPostgres(bed, 'SIGKILL', onHit),
  'restart-postgres': (bed, _fault, _host, onHit) => signalPostgres(bed, 'SIGINT', onHit),
  async 'stop-server'({ server }, { lastsMs }, _host, onHit) {
    return stopFor(server.pid, lastsMs, () => onHit({ victim: 'the server', killed: [] }));
  },
  async 'stop-agent'(_bed, { lastsMs }, host, onHit) {
    return stopFor(host.agent.pid, lastsMs, () => onHit({ victim: `the agent of ${host.name}`, killed: [] }));
  },
  'stop-runner': stopProcess('runner'),
  'stop-terraform': stopProcess('terraform'),
  cut: onLink(({ link }) => link.setMode({ kind: 'cut' })),
  'half-open': onLink(
    ({ link }) => link.setMode({ kind: 'stalled' }),
    ({ link }) => link.resetAll(),
  ),
  stall: onLink(({ link }) => link.setMode({ kind: 'stalled' })),
  delay: onLink(({ link }, { pick }) => link.setMode({ kind: 'slow', delayMs: 100 + pick * 900 })),
  async 'full-disk'({ hosts, cramped }, { lastsMs }, _host, onHit) {
    const host = hosts.find(({ disk }) => disk !== undefined);
    if (host?.disk === undefined) return false;
    const look = (): void => {
      for (const id of host.listTasks()) cramped.add(id);
    };
    host.disk.fill();
    onHit({ victim: `the disk of ${host.name}`, killed: [] });
    for (const until = performance.now() + lastsMs; performance.now() < until; await sleep(LOOK_MS)) look();
    look();
    host.disk.empty();
    return true;
  },
  async 'clock-server'({ server, serverClock }, fault, _host, onHit) {
    serverClock.jump(server.pid, jumpOf(fault));
    onHit({ victim: 'the server', killed: [] });
    await sleep(fault.lastsMs);
    serverClock.jump(server.pid, 0);
    return true;
  },
  async 'clock-agent'(_bed, fault, host, onHit) {
    host.clock.jump(host.agent.pid, jumpOf(fault));
    onHit({ victim: `the agent of ${host.name}`, killed: [] });
    await sleep(fault.lastsMs);
    host.clock.jump(host.agent.pid, 0);
    return true;
  },
};

/** Up to an hour, either way. */
const jumpOf = ({ pick }: Fault): number => Math.round((pick * 2 - 1) * 3_600_000);

function onLink(begin: (host: Host, fault: Fault) => void, end?: (host: Host) => void): Shell {
  return async (_bed, fault, host, onHit) => {
    begin(host, fault);
    onHit({ victim: `the link of ${host.name}`, killed: [] });
    await sleep(fault.lastsMs);
    end?.(host);
    host.link.setMode({ kind: 'open' });
    return true;
  };
}

/** Kills everything of a host's attempts at once, the ones that start others first. */
function killHost(host: Host): Victim[] {
  sendSignal(host.agent.pid, 'SIGKILL');
  const order: readonly Role[] = ['runner', 'launcher', 'terraform'];
  const victims = host.listVictims().toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  for (const { pid } of victims) sendSignal(pid, 'SIGKILL');
  return victims;
}

async function stopFor(pid: number, lastsMs: number, onHit: () => void): Promise<boolean> {
  if (!sendSignal(pid, 'SIGSTOP')) return false;
  onHit();
  await sleep(lastsMs);
  sendSignal(pid, 'SIGCONT');
  return true;
}

async function signalPostgres(
  { server }: Bed,
  signal: NodeJS.Signals,
  onHit: (injected: Injected) => void,
): Promise<boolean> {
  const pid = findPostgres(server.home);
  if (pid === undefined || !sendSignal(pid, signal)) return false;
  onHit({ victim: `PostgreSQL (${signal})`, killed: [] });
  // The server starts it again; a fault that met it before that would meet nobody.
  await sleep(BEGIN_MS);
  return true;
}

function findPostgres(home: string): number | undefined {
  try {
    const data = join(home, 'postgres', 'data');
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    // The file of one that is gone may name somebody else's process by now.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data) ? pid : undefined;
  } catch {
    return undefined;
  }
}
