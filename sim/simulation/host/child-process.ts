import { EventEmitter } from 'node:events';
import { basename } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { errno } from '../disk/errno.ts';
import type { Process } from '../world.ts';
import { descriptorOf } from './file-system.ts';
import { currentProcess } from './process.ts';

/** How a program was started. */
export interface Invocation {
  readonly process: Process;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Standard input, whole; resolves when its writer closes it or dies. */
  readonly input: Promise<string>;
  /** Writes to standard output, if that is a pipe. */
  print(text: string): void;
}

/** A program of a simulated host: resolves with its exit code. */
export type Program = (invocation: Invocation) => Promise<number>;

const programs = new Map<string, Program>();

/** Makes a program known by the name of its file. */
export function installProgram(name: string, program: Program): void {
  programs.set(name, program);
}

interface SpawnOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  detached?: boolean;
  stdio?: readonly (string | number)[];
}

const START_MS = 1.5;
const REAP_MS = 0.4;

class ChildProcess extends EventEmitter {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  pid: number | undefined;

  constructor(pipes: { stdin: Writable | null; stdout: Readable | null; stderr: Readable | null }) {
    super();
    this.stdin = pipes.stdin;
    this.stdout = pipes.stdout;
    this.stderr = pipes.stderr;
  }

  unref(): void {}
}

/** Starts a program on the host of the process that asks. */
export function spawn(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const parent = currentProcess();
  const stdio = options.stdio ?? ['pipe', 'pipe', 'pipe'];
  const input = Promise.withResolvers<string>();
  const reader = (at: number) => (stdio[at] === 'pipe' ? new Readable({ read() {} }) : null);
  const stdin = stdio[0] === 'pipe' ? inputPipe(parent, input.resolve) : null;
  const child = new ChildProcess({ stdin, stdout: reader(1), stderr: reader(2) });
  const found = programs.get(basename(program));
  if (found === undefined) {
    parent.after(START_MS, () => child.emit('error', errno('ENOENT', 'spawn', program)));
    return child;
  }
  const process = parent.host.start(basename(program), options.detached ? undefined : parent.group);
  child.pid = process.pid;
  stdio.forEach((entry, at) => {
    if (typeof entry === 'number') process.descriptors.set(at, descriptorOf(parent, entry).hold());
  });
  process.atExit.add(() => tellExit(parent, child, process));
  const print = (text: string) => void parent.after(0, () => child.stdout?.push(text));
  const { env = {}, cwd = '/' } = options;
  process.after(START_MS, () => execute(found, { process, args, env, cwd, input: input.promise, print }));
  return child;
}

/** Runs a program as a process to its end. */
export function execute(program: Program, invocation: Invocation): void {
  const { process } = invocation;
  program(invocation).then(
    (code) => process.end({ code, signal: null }),
    (error: Error) => {
      // No way for the product to fail, but a call that a stand-in lacks, or a mistake.
      if (error instanceof TypeError || error instanceof ReferenceError)
        process.host.world.violate(String(error.stack));
      process.host.world.trace.note(process.host.name, `${process.name} ${process.pid} failed: ${error.message}`);
      process.end({ code: 70, signal: null });
    },
  );
}

function inputPipe(parent: Process, resolve: (text: string) => void): Writable {
  const chunks: Buffer[] = [];
  const close = () => resolve(Buffer.concat(chunks).toString());
  parent.atExit.add(close);
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
    final(done) {
      parent.atExit.delete(close);
      close();
      done();
    },
  });
}

function tellExit(parent: Process, child: ChildProcess, { exit }: Process): void {
  parent.after(REAP_MS, () => {
    child.stdout?.push(null);
    child.stderr?.push(null);
    child.emit('exit', exit?.code ?? null, exit?.signal ?? null);
  });
  parent.after(2 * REAP_MS, () => child.emit('close', exit?.code ?? null, exit?.signal ?? null));
}
