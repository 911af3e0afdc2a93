import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { Place } from './finder.ts';

interface SeenProcess {
  /** What it is: `server`, `agent`, `runner`, `sh`, `terraform`, `postgres` …, by its program. */
  program: string;
  /** Whether Terraform is among its ancestors. */
  belowTerraform: boolean;
  argv: Buffer;
  environ: Buffer;
}

/** Every process that was seen below those we started, while they ran. */
export interface ProcessWatch {
  look(): void;
  stop(): SeenProcess[];
}

const EVERY_MS = 100;

/** Watches what anybody on the host can see with `ps`, and what root can see of environments. */
export function watchProcesses(roots: () => readonly number[]): ProcessWatch {
  const seen = new Map<string, SeenProcess>();

  function look(): void {
    const parents = readParents();
    const ours = new Set(roots());
    for (const pid of parents.keys()) {
      const line = ancestorsOf(pid, parents);
      if (!line.some((each) => ours.has(each)) || !parents.has(pid)) continue;
      const process = readProcess(pid, line.slice(1));
      // An exec changes both without changing the pid.
      if (process !== undefined) seen.set(`${pid} ${process.program} ${process.argv.toString('latin1')}`, process);
    }
  }
  const timer = setInterval(look, EVERY_MS);
  return {
    look,
    stop() {
      clearInterval(timer);
      return [...seen.values()];
    },
  };
}

export const toPlaces = (processes: readonly SeenProcess[]): Place[] =>
  processes.flatMap(({ program, belowTerraform, argv, environ }) => {
    const name = belowTerraform ? `a child of terraform (${program})` : program;
    return [
      { name: `arguments of ${name}`, bytes: argv },
      { name: `environment of ${name}`, bytes: environ },
    ];
  });

/** The value of a variable in Terraform's environment. */
export function findEntry(processes: readonly SeenProcess[], name: string): string {
  const terraform = processes.filter(({ program }) => program === 'terraform');
  const entries = terraform.flatMap(({ environ }) => environ.toString().split('\0'));
  const found = entries.find((entry) => entry.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`No Terraform that was seen has ${name} in its environment.`);
  return found.slice(name.length + 1);
}

function readParents(): Map<number, number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.flatMap((pid) => {
      const parent = /^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`).toString())?.[1];
      return parent === undefined ? [] : [[Number(pid), Number(parent)] as const];
    }),
  );
}

/** A process, its parent, and so on. */
function ancestorsOf(pid: number, parents: ReadonlyMap<number, number>): number[] {
  const line: number[] = [];
  for (let each = pid; each > 1 && !line.includes(each); each = parents.get(each) ?? 0) line.push(each);
  return line;
}

function readProcess(pid: number, ancestors: readonly number[]): SeenProcess | undefined {
  const argv = read(`/proc/${pid}/cmdline`);
  if (argv.length === 0) return undefined;
  return {
    program: programOf(pid, argv),
    belowTerraform: ancestors.some((each) => executableOf(each) === 'terraform'),
    argv,
    environ: read(`/proc/${pid}/environ`),
  };
}

/** The bundle that Node runs, else the program itself. */
function programOf(pid: number, argv: Buffer): string {
  const bundle = /\/dist\/([a-z]+)\/main\.mjs/.exec(argv.toString('latin1'))?.[1];
  const program = bundle ?? executableOf(pid);
  // The launcher's last step: a moment later the same process is Terraform.
  return program === 'setsid' ? 'terraform' : program;
}

function executableOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return '(gone)';
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
