import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { TaskId } from '@groundcrew/protocol';
import {
  bundleOf,
  type FoundProcess,
  type Lab,
  listProcessesBelow,
  type RunningAgent,
  type RunningServer,
} from '../harness/index.ts';
import { type ClockShift, createClockShift } from './clock-shift.ts';
import { type FaultyLink, startFaultyLink } from './faulty-link.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { createTracedTerraform, type RawLog } from './traced-terraform.ts';

/** What a process of an attempt is. */
export type Role = 'runner' | 'launcher' | 'terraform';

/** A process of an attempt that runs just now. */
export interface Victim {
  readonly pid: number;
  readonly role: Role;
  /** The attempt's folder. */
  readonly folder: string;
  readonly taskId: TaskId;
}

/** A machine in miniature: an agent with its work folder, a link to the server that can fail, perhaps a disk of its own. */
export interface Host {
  readonly name: string;
  readonly agent: RunningAgent;
  readonly link: FaultyLink;
  readonly clock: ClockShift;
  readonly disk: SmallDisk | undefined;
  /** Its agent is kept down by a fault. */
  isDown: boolean;
  /** Processes of attempts, spares not among them. */
  listVictims(role?: Role): Victim[];
  /** The tasks whose attempts have a folder here. */
  listTasks(): TaskId[];
  listRawLogs(): RawLog[];
}

export interface HostOptions {
  readonly lab: Lab;
  readonly server: RunningServer;
  readonly name: string;
  /** To join the pool. */
  readonly token: string;
  /** Attempts at once. */
  readonly slots: number;
  readonly mode?: 'push' | 'pull';
  readonly smallDisk?: boolean;
}

export interface StartedHost {
  readonly host: Host;
  /** Why it is not all that was asked for, as a sentence. */
  readonly lacks: string | undefined;
}

export async function startHost({
  lab,
  server,
  name,
  token,
  slots,
  mode,
  smallDisk,
}: HostOptions): Promise<StartedHost> {
  const folder = smallDisk ? join(lab.folder, name) : lab.newFolder(name);
  const mounted = smallDisk ? mountSmallDisk(folder) : undefined;
  if (typeof mounted === 'object') lab.onEnded(mounted.unmount);
  const terraform = createTracedTerraform(join(folder, 'bin'));
  const link = await startFaultyLink(server.url);
  lab.onEnded(link.close);
  const clock = createClockShift(join(lab.folder, `${name}-clock`));
  const agent = await lab.startAgent({
    server,
    token,
    folder,
    mode: mode ?? 'push',
    serverUrl: link.url,
    maxConcurrentJobs: slots,
    path: `${terraform.folder}:${process.env.PATH}`,
    env: { ...clock.env },
  });

  const attempts = join(agent.workDir, 'a');
  const listVictims = (role?: Role): Victim[] =>
    listProcessesBelow(attempts).flatMap((process) => {
      const victim = findVictim(process, attempts);
      return victim !== undefined && (role === undefined || victim.role === role) ? [victim] : [];
    });

  const host: Host = {
    name,
    agent,
    link,
    clock,
    disk: typeof mounted === 'object' ? mounted : undefined,
    isDown: false,
    listVictims,
    listTasks: () => agent.listFolders().flatMap((path) => findTaskId(path) ?? []),
    listRawLogs: terraform.listRawLogs,
  };
  return { host, lacks: typeof mounted === 'string' ? mounted : undefined };
}

function findVictim(process: FoundProcess, attempts: string): Victim | undefined {
  const found = findRole(process, attempts) ?? findTerraform(process);
  if (found === undefined) return undefined;
  const taskId = findTaskId(found.folder);
  return taskId === undefined ? undefined : { pid: process.pid, ...found, taskId };
}

/** A runner says in its arguments where it is, a launcher works in its attempt's folder or below. */
function findRole({ argv, cwd }: FoundProcess, attempts: string): Pick<Victim, 'role' | 'folder'> | undefined {
  if (argv.includes(bundleOf('runner'))) return { role: 'runner', folder: argv.at(-1) ?? '' };
  if (!argv.some((word) => basename(word) === 'launcher.sh')) return undefined;
  const [name = ''] = relative(attempts, cwd).split('/');
  return { role: 'launcher', folder: join(attempts, name) };
}

/** Terraform's arguments name no folder, but its environment names a file in it. */
function findTerraform({ pid, argv: [program = ''] }: FoundProcess): Pick<Victim, 'role' | 'folder'> | undefined {
  if (basename(program) !== 'terraform') return undefined;
  const environment = readFile(`/proc/${pid}/environ`).replaceAll('\0', '\n');
  const folder = /^TF_CLI_CONFIG_FILE=(.*)\/terraform\.rc$/m.exec(environment)?.[1];
  return folder === undefined ? undefined : { role: 'terraform', folder };
}

/** The task of an attempt's folder; undefined for a spare's. */
function findTaskId(folder: string): TaskId | undefined {
  return /"task_id":"([^"]+)"/.exec(readFile(join(folder, 'task.json')))?.[1] as TaskId | undefined;
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
