import type { Readable, Writable } from 'node:stream';
import type { Io } from './io.ts';

/** What clack takes; it talks on standard error, so that standard output stays clean. */
const streams = (io: Io) => ({ input: io.stdin as Readable, output: io.stderr as Writable, withGuide: false });

/** A yes or no; undefined when Ctrl-C or Escape answers. */
export async function askYesNo(io: Io, message: string): Promise<boolean | undefined> {
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({ message, initialValue: false, ...streams(io) });
  return isCancel(answer) ? undefined : answer;
}

/** One of several; undefined when Ctrl-C or Escape answers. */
export async function askChoice<T extends string>(
  io: Io,
  message: string,
  options: readonly { value: T; label: string; hint?: string }[],
): Promise<T | undefined> {
  const { isCancel, select } = await import('@clack/prompts');
  const answer = await select<string>({ message, options: [...options], ...streams(io) });
  return isCancel(answer) ? undefined : (answer as T);
}

/** A line; undefined when Ctrl-C or Escape answers. */
export async function askText(io: Io, message: string): Promise<string | undefined> {
  const { isCancel, text } = await import('@clack/prompts');
  const answer = await text({ message, ...streams(io) });
  return isCancel(answer) ? undefined : answer;
}

/** A secret, shown as dots; undefined when Ctrl-C or Escape answers. */
export async function askSecret(io: Io, message: string): Promise<string | undefined> {
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message, ...streams(io) });
  return isCancel(answer) ? undefined : answer;
}
