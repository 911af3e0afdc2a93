import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { LEAN_NODE } from './lean-node.ts';

/** What a script prints, run by Node with these flags. */
const run = (flags: readonly string[], script: string): string =>
  execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, ...LEAN_NODE.env },
  });

const USE = `import { giveBackMemory } from '${new URL('./lean-node.ts', import.meta.url).href}';`;

test('what a start left behind is given back', () => {
  const script = `${USE}
    let rubbish = Array.from({ length: 200_000 }, (_, n) => ({ n }));
    const before = process.memoryUsage.rss();
    rubbish = undefined;
    giveBackMemory();
    process.stdout.write(String(before - process.memoryUsage.rss()));`;
  for (const flags of [LEAN_NODE.agentFlags, LEAN_NODE.runnerFlags])
    expect(Number(run(flags, script))).toBeGreaterThan(4e6);
});

test('without the flags nothing happens', () => {
  expect(run([], `${USE} giveBackMemory(); process.stdout.write('done');`)).toBe('done');
});

test('nothing is ever compiled in an agent, in a runner what has run for long', () => {
  const script = 'const add = (a, b) => a + b; let sum = 0; for (let n = 0; n < 3e6; n += 1) sum = add(sum, n);';
  const compiled = (flags: readonly string[]) => run([...flags, '--trace-opt'], script).includes('TURBOFAN');
  expect(compiled(LEAN_NODE.agentFlags)).toBe(false);
  expect(compiled(LEAN_NODE.runnerFlags)).toBe(true);
});
