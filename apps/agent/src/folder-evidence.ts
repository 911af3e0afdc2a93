import { chmod, lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocked } from '@groundcrew/kit';
import { ATTEMPT_FOLDER, RunnerTask, type TaskData } from '@groundcrew/protocol';
import type { FolderEvidence, HeldAttempt } from './decisions/index.ts';
import { writeTask } from './runner-process.ts';

/** Looks at a folder that this agent did not make. Changes nothing but a lost `task.json`, and rights that let others in. */
export async function readEvidence(folder: string, olderLives: boolean): Promise<FolderEvidence> {
  const ours = await isRunnersFolder(folder);
  if (ours) await closeToOthers(folder);
  return {
    ours,
    attempt: ours ? ((await findAttempt(folder)) ?? (await restoreAttempt(folder))) : undefined,
    worked: ours && (await hasWork(folder)),
    lockHeld: ours && (await isHeld(folder)),
    olderLives,
  };
}

/** Whether a runner lives on the folder. When that cannot be told it starts one, which finds out by the lock itself. */
export const isHeld = (folder: string): Promise<boolean> =>
  isLocked(join(folder, ATTEMPT_FOLDER.lock)).catch(() => false);

/** It holds secrets, whoever opened it and for whatever reason. */
async function closeToOthers(folder: string): Promise<void> {
  const { mode } = await lstat(folder);
  if ((mode & 0o077) !== 0) await chmod(folder, 0o700).catch(() => undefined);
}

/** Nothing that a link in the attempts' folder points to is ours. */
async function isRunnersFolder(folder: string): Promise<boolean> {
  try {
    return (await lstat(folder)).isDirectory() && (await lstat(join(folder, ATTEMPT_FOLDER.birth))).isFile();
  } catch {
    return false;
  }
}

async function findAttempt(folder: string): Promise<HeldAttempt | undefined> {
  const task = await findJson(join(folder, ATTEMPT_FOLDER.task), RunnerTask);
  return task && { attemptId: task.attempt_id, taskId: task.task_id, action: task.action };
}

/** The task file is written without waiting for the disk; what the server gave for the attempt names the same things, and lasts. */
async function restoreAttempt(folder: string): Promise<HeldAttempt | undefined> {
  // Of the data only these names are read; the schema of the whole would cost every agent its memory.
  const restored = await findJson(join(folder, ATTEMPT_FOLDER.data), { parse: toTask });
  if (restored === undefined) return undefined;
  const { uid, gid } = await lstat(folder);
  await writeTask(folder, restored, { uid, gid });
  return findAttempt(folder);
}

function toTask(data: unknown): RunnerTask {
  const { task, workspace, attempt } = data as TaskData;
  return RunnerTask.parse({
    attempt_id: attempt.id,
    task_id: task.id,
    workspace_id: task.workspace_id,
    action: attempt.action,
    epoch: attempt.epoch,
    tool: workspace.tool,
    terraform_version: workspace.terraform_version,
    written_at: task.created_at,
  });
}

/** Anything a runner leaves once it has begun on a task. A folder that cannot be looked into counts: better kept than lost. */
async function hasWork(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined || names.includes(ATTEMPT_FOLDER.data)) return true;
  const inside = names.filter((name) => name === ATTEMPT_FOLDER.journal || name === ATTEMPT_FOLDER.state);
  const contents = await Promise.all(inside.map((name) => readdir(join(folder, name)).catch(() => ['?'])));
  return contents.some((entries) => entries.length > 0);
}

async function findJson<T>(path: string, schema: { parse: (value: unknown) => T }): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
