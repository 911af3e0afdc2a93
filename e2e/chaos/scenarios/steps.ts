import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, type Task, type TaskId } from '@groundcrew/protocol';
import { type AskedTask, askFor, openWorkspace, readTask, type Secret } from '../asked.ts';
import type { Bed } from '../bed.ts';
import { filesOf } from '../configuration.ts';
import type { Host } from '../host.ts';

/** A task under way: asked for, and Terraform in the phase that was waited for. */
export interface Begun extends AskedTask {
  readonly host: Host;
  readonly attemptId: string;
  /** The attempt's folder on its host. */
  readonly folder: string;
}

export interface ApplyWish {
  readonly label: string;
  readonly secret: Secret;
  /** How long the apply takes at least. */
  readonly seconds: number;
}

/** Two of the three resources follow one another. */
const IN_A_ROW = 2;
const PAUSE_SECONDS = 0.5;

/** Asks for an apply whose resources print twice a second. */
export async function askForApply(bed: Bed, { label, secret, seconds }: ApplyWish): Promise<AskedTask> {
  const workspaceId = await openWorkspace(bed, { name: label, secret });
  const lines = Math.ceil(seconds / IN_A_ROW / PAUSE_SECONDS);
  const order = { label, ledger: bed.ledger, lines, pauseSeconds: PAUSE_SECONDS, secretVariable: secret.name };
  return askFor(bed, { label, workspaceId, files: filesOf(order) });
}

/** The same, and waits until the first resource prints. */
export async function beginApply(bed: Bed, wish: ApplyWish): Promise<Begun> {
  const asked = await askForApply(bed, wish);
  return waitForOutput(bed, asked, 'raw-apply', / one line 2 /);
}

/** A plan that takes Terraform many seconds: a chain is what a plan takes long for. */
const CHAIN = 900;

export async function beginPlan(bed: Bed, { label, secret }: Omit<ApplyWish, 'seconds'>): Promise<Begun> {
  const workspaceId = await openWorkspace(bed, { name: label, secret });
  const chain = Array.from(
    { length: CHAIN },
    (_, n) => `resource "terraform_data" "r${n}" { input = ${n === 0 ? '"x"' : `terraform_data.r${n - 1}.id`} }`,
  );
  const asked = await askFor(bed, { label, workspaceId, files: { 'main.tf': chain.join('\n') }, type: 'plan' });
  const begun = await waitForOutput(bed, asked, 'raw-plan', /successfully initialized/);
  await until(`Terraform plans ${label}`, () =>
    begun.host.listVictims('terraform').find(({ pid, taskId }) => taskId === asked.id && isPlanning(pid)),
  );
  return begun;
}

const isPlanning = (pid: number): boolean => readIfThere(`/proc/${pid}/cmdline`).includes('\0plan\0');

/** Looks into the folders of all hosts until the file of the task's attempt says what is waited for. */
export const waitForOutput = (bed: Bed, asked: AskedTask, file: string, text: RegExp): Promise<Begun> =>
  until(`${asked.label} says ${text}`, () => {
    const folders = bed.hosts.flatMap((host) => host.agent.listFolders().map((folder) => ({ host, folder })));
    return folders.map((place) => findBegun(place, asked, file, text)).find((begun) => begun !== undefined);
  });

function findBegun(
  { host, folder }: Pick<Begun, 'host' | 'folder'>,
  asked: AskedTask,
  file: string,
  text: RegExp,
): Begun | undefined {
  const task = readIfThere(join(folder, 'task.json'));
  const attemptId = /"attempt_id":"([^"]+)"/.exec(task)?.[1];
  const isIt = attemptId !== undefined && task.includes(asked.id) && text.test(readIfThere(join(folder, file)));
  return isIt ? { ...asked, host, folder, attemptId } : undefined;
}

const LOOK_MS = 100;

/** The first thing that `look` finds; throws after `timeoutMs`, naming `what`. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { timeoutMs = 60_000, everyMs = LOOK_MS } = {},
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > giveUpAt) throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}.`);
    await sleep(everyMs);
  }
}

/** The task, ended or in a person's hands. */
export const waitForVerdict = (bed: Bed, id: TaskId, timeoutMs: number): Promise<Task> =>
  until(
    `${id} ends`,
    async () => {
      const task = await readTask(bed, id);
      return isTerminal(task.status) || task.status === 'needs_attention' ? task : undefined;
    },
    { timeoutMs, everyMs: 250 },
  );

/** Waits until no attempt has a folder any more: the server has everything. */
export const waitForDelivery = ({ hosts }: Bed, timeoutMs: number): Promise<true> =>
  until('everything is delivered', () => (hosts.every((host) => host.listTasks().length === 0) ? true : undefined), {
    timeoutMs,
  });

export const readIfThere = (path: string): string => (existsSync(path) ? readNow(path) : '');

function readNow(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
