import { TaskId } from '@groundcrew/protocol';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Cli } from './cli.ts';

/** A command with a summary and examples, which its help shows last. */
export function createCommand(name: string, summary: string, cli: Cli, examples: readonly string[] = []): Command {
  const command = new Command(name).description(summary);
  if (examples.length > 0)
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${cli.name} ${line}`).join('\n')}`);
  return command;
}

/** A command that only holds others. */
export function createGroup(
  name: string,
  summary: string,
  cli: Cli,
  commands: readonly ((cli: Cli) => Command)[],
): Command {
  const group = new Command(name).description(summary);
  for (const make of commands) group.addCommand(make(cli));
  return group;
}

/** `--limit`, how many rows a list shows. */
export const limitOption = (): Option =>
  new Option('--limit <n>', 'show at most so many').default(50).argParser(parseCount);

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

/** What was given for a limit; commander knows no option whose value is null. */
export type GivenLimit = number | 'none';
/** As {@link parseCount}; `none` takes the limit away. */
export const parseLimit = (text: string): GivenLimit => (text === 'none' ? text : parseCount(text));
export const toLimit = (given: GivenLimit): number | null => (given === 'none' ? null : given);

/** A whole number of at least 0. */
export function parseOffset(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return Number(text);
}

/** From -10 to 10. */
export function parsePriority(text: string): number {
  if (!/^-?(\d|10)$/.test(text)) throw new InvalidArgumentError('It must be a whole number from -10 to 10.');
  return Number(text);
}

/** The id of a task. */
export function parseTaskId(text: string): TaskId {
  const id = TaskId.safeParse(text);
  if (!id.success) throw new InvalidArgumentError('It must be an id such as task-k3j5…, as "task list" shows it.');
  return id.data;
}

/** Gathers an option that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
