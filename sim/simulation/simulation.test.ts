import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { BugName } from './bugs.ts';

// The simulation runs below module hooks, which the test runner's loader does not know: it is started as people start it.

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
}

function sim(...args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: process.env.PATH ?? '' }, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      if (stderr !== '') reject(new Error(stderr));
      else resolve({ code: error === null ? 0 : Number(error.code), stdout });
    });
  });
}

test('the same seeds are the same histories, and nothing is violated in them', async () => {
  const once = await sim('--seeds', '3', '--seed', '1', '--json');
  const again = await sim('--seeds', '3', '--seed', '1', '--json');
  const { digests, applies, logBytes, violations } = JSON.parse(once.stdout);
  expect(violations).toBe(0);
  expect(once.code).toBe(0);
  expect(applies).toBeGreaterThan(0);
  expect(logBytes).toBeGreaterThan(0);
  expect(new Set(Object.values(digests)).size).toBe(3);
  expect(JSON.parse(again.stdout).digests).toEqual(digests);
});

test('a seed is the same history alone as after others', async () => {
  const [many, one] = [await sim('--seeds', '3', '--json'), await sim('--seeds', '1', '--seed', '3', '--json')];
  expect(JSON.parse(one.stdout).digests[3]).toBe(JSON.parse(many.stdout).digests[3]);
});

test('a trace ends with one line of figures', async () => {
  const { stdout } = await sim('--seeds', '1', '--seed', '1', '--trace');
  expect(stdout).toContain('FAULT');
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^sim: 1 seeds from 1, .* 0 violations$/);
});

test('an unknown number is told in a sentence', async () => {
  await expect(sim('--seeds', 'many')).rejects.toThrow('--seeds takes a whole number from 1 on, not "many".');
});

/** Planted mistakes, with the faults that bring them to light. */
const PLANTED: readonly (readonly [bug: BugName, kinds: string])[] = [
  ['answersLockAlone', 'server_crash'],
  ['answersBeforeCommit', 'server_crash'],
  ['appendsAnywhere', 'duplicate,loss'],
  ['keepsDeadlines', 'server_stop,server_crash'],
  ['forgetsSync', 'power_cut,partition'],
  ['ignoresAlive', 'oom_kill'],
];
/** In which history a mistake shows changes with every change of the product; that it shows soon does not. */
const SOON = 40;

test.each(PLANTED)(
  'the mistake "%s" is found, and is what is found',
  async (bug, kinds) => {
    const hunted = await sim('--hunt', '--bug', bug, '--kinds', kinds, '--seeds', String(SOON), '--json');
    const [{ seed, violation }] = JSON.parse(hunted.stdout);
    expect([hunted.code, violation]).toEqual([0, expect.any(String)]);
    expect((await sim('--seeds', '1', '--seed', String(seed), '--kinds', kinds)).code).toBe(0);
  },
  180_000,
);
