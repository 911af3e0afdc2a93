import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { readFileIfExists } from '@groundcrew/kit';
import { RunnerBirth, RunnerTask, TaskData } from '@groundcrew/protocol';
import type { AttemptFolder } from './attempt-folder.ts';
import { replaceFile } from './write-file.ts';

/**
 * What the runner was born with.
 * @throws Error with a sentence when the agent left nothing usable.
 */
export async function readBirth({ birth }: AttemptFolder): Promise<RunnerBirth> {
  try {
    return RunnerBirth.parse(JSON.parse(await readFile(birth, 'utf8')));
  } catch (cause) {
    throw new Error(`${birth} cannot be read; the agent writes it before it starts a runner.`, { cause });
  }
}

/** The attempt this folder belongs to; undefined for a spare's folder, and for a file that was cut off. */
export const findTask = ({ task }: AttemptFolder): Promise<RunnerTask | undefined> => findJson(task, RunnerTask);

/** What the server gave for the attempt; undefined when it was not fetched yet, or is damaged. */
export const findData = ({ data }: AttemptFolder): Promise<TaskData | undefined> => findJson(data, TaskData);

/**
 * Keeps what the server gave: a successor needs its secrets to mask with, whether or not the server can be reached. The
 * machine's death may lose it until it is made durable, before the apply.
 */
export const keepData = ({ data }: AttemptFolder, content: TaskData): Promise<void> =>
  replaceFile(data, `${JSON.stringify(content)}\n`);

/** The attempt's secret; undefined when it is lost, and nobody can speak for the attempt. */
export function findSecret({ secret }: AttemptFolder): string | undefined {
  try {
    const text = readFileSync(secret, 'utf8').trim();
    return text.length >= 16 ? text : undefined;
  } catch {
    return undefined;
  }
}

async function findJson<T>(path: string, schema: { parse: (value: unknown) => T }): Promise<T | undefined> {
  const bytes = await readFileIfExists(path);
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}
