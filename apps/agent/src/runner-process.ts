import { spawn } from 'node:child_process';
import { chownSync, closeSync, fchownSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { type Clock, LEAN_NODE, type Logger, onLine, syncFolder } from '@groundcrew/kit';
import {
  ATTEMPT_FOLDER,
  FromRunner,
  RUNNER_LINK_VERSION,
  RunnerBirth,
  type RunnerTask,
  type ToRunner,
} from '@groundcrew/protocol';

/** How runners are started; the same for every runner of an agent. */
export interface RunnerStart {
  /** Program and first arguments, e.g. `[node, dist/runner/main.mjs]`; the folder follows. */
  command: readonly string[];
  birth: RunnerBirth;
  /** Other users to run as, one per slot from `firstUid` on, which keeps attempts apart; needs root. The group defaults to the uid. */
  users: { firstUid: number; gid: number | undefined } | undefined;
}

/** Who a runner runs as; undefined for the agent's own user. */
export type RunnerUser = { uid: number; gid: number } | undefined;

/** The user of a folder that exists: whoever it was given to. */
export async function userOf(folder: string, { users }: RunnerStart): Promise<RunnerUser> {
  if (users === undefined) return undefined;
  const { uid, gid } = await stat(folder);
  return { uid, gid };
}

/** The first user of the agent's that no folder in use belongs to. */
export function freeUser(taken: readonly number[], { users }: RunnerStart): RunnerUser {
  if (users === undefined) return undefined;
  let uid = users.firstUid;
  while (taken.includes(uid)) uid += 1;
  return { uid, gid: users.gid ?? uid };
}

/** A folder of an attempt or of a spare, and the link to the runner that holds it. */
export interface RunnerProcess {
  readonly folder: string;
  readonly user: RunnerUser;
  /** Sends over the folder's socket; lost when the runner is gone, which its end tells. */
  send(message: ToRunner): void;
  /** Every message of the runner; several listeners may come. */
  onMessage(listener: (message: FromRunner) => void): void;
  /** Resolves when the link is gone and the runner's process (if we started it) as well. */
  readonly ended: Promise<void>;
  /** Gives up the link without touching the runner. */
  leave(): void;
}

/** Makes the folder of a runner-to-be, with what it is born with. */
export async function createRunnerFolder(folder: string, { birth }: RunnerStart, user: RunnerUser): Promise<void> {
  const versionsDir = await prepareVersions(birth.versions_dir, user);
  const birthPath = join(folder, ATTEMPT_FOLDER.birth);
  await makeFolder(folder, user);
  await writeFile(birthPath, `${JSON.stringify({ ...birth, versions_dir: versionsDir })}\n`, { mode: 0o600 });
  if (user !== undefined) await chown(birthPath, user.uid, user.gid);
  await syncFolder(dirname(folder));
}

/** Where the server is may have changed since a folder was made; its next runner is to find it. */
export async function renewBirth(folder: string, { birth }: RunnerStart, user: RunnerUser): Promise<void> {
  const path = join(folder, ATTEMPT_FOLDER.birth);
  const { server_url, ca_file, allow_insecure } = birth;
  const text = await readFile(path, 'utf8');
  const known = parseBirth(text) ?? birth;
  const renewed = `${JSON.stringify({ ...known, server_url, ca_file, allow_insecure })}\n`;
  if (renewed === text) return;
  await writeForRunner(`${path}.new`, renewed, user);
  await rename(`${path}.new`, path);
}

function parseBirth(text: string): RunnerBirth | undefined {
  try {
    return RunnerBirth.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Users share no installed versions: whoever may write a program that others run could run anything as them. */
async function prepareVersions(shared: string, user: RunnerUser): Promise<string> {
  if (user === undefined) return shared;
  await mkdir(shared, { recursive: true, mode: 0o711 });
  const own = join(shared, `uid-${user.uid}`);
  await makeFolder(own, user);
  return own;
}

async function makeFolder(path: string, user: RunnerUser): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  if (user !== undefined) await chown(path, user.uid, user.gid);
}

/** The attempt's own credential, in the folder before the server hears of its hash. */
export const writeSecret = (folder: string, secret: string, user: RunnerUser): void =>
  writeForRunner(join(folder, ATTEMPT_FOLDER.secret), secret, user);

/**
 * Makes a spare's folder the folder of an attempt that the server has accepted; by rename, because whoever finds a task begins
 * with it. Not fsynced: before Terraform runs, a machine that dies loses nothing but time.
 */
export function writeTask(folder: string, task: RunnerTask, user: RunnerUser): void {
  const path = join(folder, ATTEMPT_FOLDER.task);
  writeForRunner(`${path}.new`, `${JSON.stringify(task)}\n`, user);
  renameSync(`${path}.new`, path);
}

/** At once: an offer waits for it, and a turn through the thread pool takes longer than so small a file. */
function writeForRunner(path: string, text: string, user: RunnerUser): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}

/** The end of what a runner said before it went, for whoever wants to know why. */
export async function readLastWords(folder: string): Promise<string> {
  const log = await readFile(join(folder, ATTEMPT_FOLDER.log), 'utf8').catch(() => '');
  return log.trim().slice(-2_000) || 'it said nothing';
}

/**
 * First part of the name of a folder that is being removed. It gets that name before anything in it is gone: a machine that dies
 * meanwhile must not come back with half a folder, which looks like an attempt that has lost its secret.
 */
export const GOING = 'going-';

/** Removes a folder with all that is in it; one that is not there is no error. */
export async function removeFolder(folder: string): Promise<void> {
  const going = join(dirname(folder), `${GOING}${basename(folder)}`);
  try {
    await rename(folder, going);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await syncFolder(dirname(folder));
  await rm(going, { recursive: true, force: true });
}

/**
 * Starts a runner on a folder, in a session of its own, so that it outlives us, and with an environment that holds nothing of
 * ours. Its own words go to a file in the folder.
 */
export function startRunner(
  folder: string,
  { command, birth }: RunnerStart,
  user: RunnerUser,
): { pid: number | undefined; exited: Promise<void> } {
  const log = openSync(join(folder, ATTEMPT_FOLDER.log), 'a', 0o600);
  if (user !== undefined) fchownSync(log, user.uid, user.gid);
  const [program = process.execPath, ...args] = command;
  const child = spawn(program, [...args, folder], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: birth.path, LANG: 'C.UTF-8', HOME: folder, ...LEAN_NODE.env, ...extraCertificates() },
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  });
  closeSync(log);
  child.unref();
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return { pid: child.pid, exited };
}

/** Trust in a company's own certificate authority is not a secret and has to reach the runner. */
const extraCertificates = (): Record<string, string> =>
  process.env.NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS };

/** How long a runner that holds its lock may take until its socket answers. */
const ATTACH_FOR_MS = 10_000;
const ATTACH_EVERY_MS = 15;

/** Connects to the socket of a runner that lives or is just starting; undefined when it does not come up. */
export async function attachRunner(
  folder: string,
  deps: { clock: Clock; logger: Logger; user: RunnerUser; exited?: Promise<void> },
): Promise<RunnerProcess | undefined> {
  const deadline = deps.clock.now() + ATTACH_FOR_MS;
  let gone = false;
  void deps.exited?.then(() => {
    gone = true;
  });
  while (!gone && deps.clock.now() < deadline) {
    const socket = await connect(join(folder, ATTEMPT_FOLDER.socket));
    if (socket !== undefined) return link(folder, socket, deps);
    await deps.clock.sleep(ATTACH_EVERY_MS);
  }
  return undefined;
}

const connect = (path: string): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = createConnection({ path });
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });

function link(
  folder: string,
  socket: Socket,
  { logger, user, exited }: { logger: Logger; user: RunnerUser; exited?: Promise<void> },
): RunnerProcess {
  const listeners: ((message: FromRunner) => void)[] = [];
  const early: FromRunner[] = [];
  socket.on('error', () => socket.destroy());
  onLine(socket, (line) => {
    const message = parseMessage(line);
    if (message === undefined) return logger.warn({ folder }, 'a runner said something that is not understood');
    if (listeners.length === 0) early.push(message);
    for (const listener of listeners) listener(message);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const send = (message: ToRunner) => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
  };
  send({ type: 'hello', link_version: RUNNER_LINK_VERSION });
  return {
    folder,
    user,
    send,
    onMessage(listener) {
      listeners.push(listener);
      for (const message of early.splice(0)) listener(message);
    },
    ended: Promise.all([closed, exited]).then(() => undefined),
    leave: () => socket.destroy(),
  };
}

function parseMessage(line: string): FromRunner | undefined {
  try {
    return FromRunner.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
