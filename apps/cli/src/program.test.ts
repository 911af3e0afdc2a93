import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createCli } from './cli.ts';
import { createProgram } from './program.ts';
import { run } from './run-for-tests.ts';
import { createProcessIo } from './terminal/io.ts';

const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
const program = createProgram(createCli(createProcessIo()));
const below = all(program).slice(1);

describe('the tree of commands', () => {
  it('has no option that one of the program itself would swallow', () => {
    const own = program.options.flatMap(({ long, short }) => [long, short]);
    const clashes = below.flatMap((command) =>
      command.options.filter(({ long, short }) => own.includes(long) || (short && own.includes(short))),
    );
    expect(clashes.map(({ flags }) => flags)).toEqual([]);
  });

  it('says of every command and option what it is for', () => {
    const silent = below.filter((command) => command.name() !== 'help' && command.description() === '');
    expect(silent.map((command) => command.name())).toEqual([]);
    expect(below.flatMap((command) => command.options.filter(({ description }) => description === ''))).toEqual([]);
  });

  it.each(
    below
      .filter((command) => command.name() !== 'help' && command.commands.length === 0)
      .map((command) => {
        const path: string[] = [];
        for (let at: Command | null = command; at?.parent; at = at.parent) path.unshift(at.name());
        return [path.join(' '), path] as const;
      }),
  )('%s --help shows an example', async (_, path) => {
    const { code, out } = await run([...path, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/Examples:|every new shell:/);
  });

  it.each([
    [['--version'], 0, /^0\.1\.0\n$/, /^$/],
    [[], 2, /^$/, /Usage: groundcrew/],
    [['task'], 2, /^$/, /Usage: groundcrew task/],
    [['taks'], 2, /^$/, /^Error: Unknown command 'taks'\n\(Did you mean task\?\)/],
    [['task', 'show'], 2, /^$/, /^Error: Missing required argument 'task'\./],
    [['task', 'list', '--limit', 'x'], 2, /^$/, /It must be a whole number, 1 or more\./],
    [['task', 'list', '--colour'], 2, /^$/, /^Error: Unknown option '--colour'/],
    [['task', 'list', '--json', '--colour'], 2, /^$/, /^\{"error":"Unknown option '--colour'\.?","code":"usage"\}\n$/],
    [['task', 'list'], 1, /^$/, /^Error: You are not signed in\. .*groundcrew up/],
  ])('%j ends with %i', async (argv, code, out, err) => {
    const ran = await run(argv);
    expect(ran.code).toBe(code);
    expect(ran.out).toMatch(out);
    expect(ran.err).toMatch(err);
  });
});
