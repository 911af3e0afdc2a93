import type { Duplex } from 'node:stream';
import type { Bugs } from './bugs.ts';
import type { Disk } from './disk/disk.ts';
import type { OpenFile } from './host/open-file.ts';
import type { Dice } from './kernel/dice.ts';
import type { EventLoop, Owner, Timer } from './kernel/event-loop.ts';
import type { Trace } from './kernel/trace.ts';
import type { Network } from './network/network.ts';
import type { Ledger } from './terraform/ledger.ts';

/** What every part of a simulated world shares. */
export interface World {
  readonly loop: EventLoop;
  readonly dice: Dice;
  /** Simulated time of its first moment. */
  readonly startedAt: number;
  readonly trace: Trace;
  readonly network: Network;
  readonly ledger: Ledger;
  /** Mistakes planted on purpose, to show that they are found. */
  readonly bugs: Bugs;
  /** Something that must never be; the first one ends the run. */
  violate(sentence: string): void;
}

/** How a process ended. */
interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a simulated host. What it awaits never comes once it is dead, as if its memory were gone. */
export interface Process extends Owner {
  readonly pid: number;
  readonly name: string;
  readonly host: Host;
  readonly startTicks: number;
  /** Its process group; its own pid for a leader. */
  readonly group: number;
  readonly descriptors: Map<number, OpenFile>;
  readonly exit: ProcessExit | undefined;
  /** Takes signals other than SIGKILL and SIGSTOP; without it they end the process. */
  onSignal: ((signal: NodeJS.Signals) => void) | undefined;
  /** Done when it dies, by whatever. */
  readonly atExit: Set<() => void>;
  /** Runs code as this process: its files, its clock, its network. */
  run<T>(code: () => T): T;
  after(ms: number, run: () => void): Timer;
  /** Resolves after `ms`; never once it is dead. */
  sleep(ms: number): Promise<void>;
  end(exit: ProcessExit): void;
  stopUntil(time: number): void;
}

/** A machine: a disk that outlives it, processes that do not. */
export interface Host {
  readonly name: string;
  readonly world: World;
  readonly disk: Disk;
  readonly processes: ReadonlyMap<number, Process>;
  /** Listeners on the loopback interface, by port. */
  readonly ports: Map<number, HttpListener>;
  /** Listeners on Unix sockets, by path. */
  readonly sockets: Map<string, SocketListener>;
  /** How far its clock is ahead. */
  skewMs: number;
  /** Factor on the time that every disk operation takes. */
  slowness: number;
  /** A new process. `group` of another process, or its own. */
  start(name: string, group?: number): Process;
  bury(process: Process): void;
  /** Sends a signal to a process, or with a negative number to a group. False when there is nobody. */
  signal(target: number, signal: NodeJS.Signals): boolean;
  nextPort(): number;
  /** Everything stops at once, and the disk keeps what the dice leave it. */
  cutPower(): void;
  /** It will never come back. */
  lost: boolean;
}

export interface LoopbackRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface LoopbackAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface HttpListener {
  readonly process: Process;
  serve(request: LoopbackRequest, answer: (answer: LoopbackAnswer | undefined) => void): void;
}

export interface SocketListener {
  readonly process: Process;
  accept(socket: Duplex): void;
}
