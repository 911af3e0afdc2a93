import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from './logger.ts';
import { openRotatingFile } from './rotating-file.ts';

function setUp(options: { maxBytes?: number; maxFiles?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gc-kit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'agent.log');
  let now = 0;
  const open = () => openRotatingFile({ path, maxBytes: 30, maxFiles: 3, now: () => now, ...options });
  const read = (suffix = '') => (existsSync(path + suffix) ? readFileSync(path + suffix, 'utf8') : undefined);
  return {
    folder,
    path,
    open,
    read,
    later: () => {
      now += 1_001;
    },
    all: () => ['', '.1', '.2', '.3', '.4'].map((suffix) => read(suffix)?.trim().split('\n')),
  };
}
const line = (n: number): string => `line ${String(n).padStart(8, '0')}\n`;

test('a file that would become too large is put aside; the oldest goes, no line is cut', () => {
  const { open, all } = setUp();
  const file = open();
  for (let n = 1; n <= 9; n += 1) file.write(line(n));
  const [now, one, two, three, four] = all();
  expect(now).toEqual(['line 00000009']);
  expect(one).toEqual(['line 00000007', 'line 00000008']);
  expect(two).toEqual(['line 00000005', 'line 00000006']);
  expect(three).toEqual(['line 00000003', 'line 00000004']);
  expect(four).toBeUndefined();
});

test('a line longer than the limit is kept whole; another start goes on in the same file', () => {
  const { open, read } = setUp();
  open().write(`${'x'.repeat(50)}\n`);
  expect(read()).toHaveLength(51);
  open().write(line(1));
  expect(read()).toBe(line(1));
  expect(read('.1')).toHaveLength(51);
});

test('killed between two renames, the next time fills the gap and drops nothing', () => {
  const { open, path, all } = setUp();
  writeFileSync(`${path}.1`, 'one\n');
  writeFileSync(`${path}.3`, 'three\n');
  writeFileSync(path, line(1) + line(2));
  open().write(line(3));
  expect(all()).toEqual([['line 00000003'], ['line 00000001', 'line 00000002'], ['one'], ['three'], undefined]);
});

test('follows when another process puts the file aside, and does not do it a second time', () => {
  const { open, path, later, all } = setUp();
  const [ours, theirs] = [open(), open()];
  ours.write(line(1));
  theirs.write(line(2));
  // Theirs does not know of the first line yet, ours not of the second: both together are full.
  later();
  ours.write(line(3));
  theirs.write(line(4));
  later();
  theirs.write(line(5));
  ours.write(line(6));
  expect(all().flatMap((lines) => lines ?? [])).toHaveLength(6);
  expect(all()[3]).toBeUndefined();
  renameSync(path, `${path}.moved-by-logrotate`);
  later();
  ours.write(line(7));
  expect(all()[0]).toEqual(['line 00000007']);
});

test('a full disk costs lines and not the process; afterwards a line tells how many', () => {
  const { open, path, read, later } = setUp({ maxBytes: 10_000 });
  symlinkSync('/dev/full', path);
  const file = open();
  file.write(line(1));
  file.write(line(2));
  unlinkSync(path);
  later();
  file.write(line(3));
  const [lost, ...rest] = (read() ?? '').trim().split('\n');
  expect(JSON.parse(lost ?? '')).toMatchObject({ level: 'warn', lost_lines: 2 });
  expect(rest).toEqual(['line 00000003']);
});

test('a folder that goes away and comes back', () => {
  const { folder, open, later, read } = setUp();
  const file = open();
  file.write(line(1));
  rmSync(folder, { recursive: true });
  file.write(line(2));
  later();
  file.write(line(3));
  expect(read()).toBe(line(3));
});

test('where nothing can be moved, lines go on into the same file', () => {
  const { path, open, read } = setUp();
  for (const number of [1, 2, 3]) mkdirSync(`${path}.${number}`);
  writeFileSync(join(`${path}.3`, 'in the way'), '');
  const file = open();
  for (let n = 1; n <= 5; n += 1) file.write(line(n));
  expect(read()?.trim().split('\n')).toHaveLength(5);
});

test('a file that cannot be opened at the start is an error that names it', () => {
  const { folder } = setUp();
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file', 'agent.log');
  expect(() => openRotatingFile({ path, maxBytes: 30, maxFiles: 3 })).toThrow(`The log file ${path} cannot be opened`);
});

test('killed with -9 in the middle of it, every line is whole and none is missing but the oldest', async () => {
  const { path, all } = setUp();
  const script = `
    import { openRotatingFile } from '${new URL('./rotating-file.ts', import.meta.url).href}';
    const file = openRotatingFile({ path: ${JSON.stringify(path)}, maxBytes: 300, maxFiles: 4 });
    for (let n = 1; ; n += 1) file.write('line ' + String(n).padStart(8, '0') + '\\n');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  while (!existsSync(`${path}.4`)) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const numbers = all()
    .toReversed()
    .flatMap((lines) => lines ?? [])
    .filter((text) => text !== '')
    .map((text) => Number(/^line (\d{8})$/.exec(text)?.[1]));
  expect(numbers.length).toBeGreaterThan(40);
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
});

test('a logger writes there as well, as text when asked to', () => {
  const { path, read } = setUp();
  const logger = createLogger({
    name: 'agent',
    format: 'text',
    destination: { path, maxBytes: 100_000, maxFiles: 2 },
  });
  logger.info({ task_id: 'task-1', token: 'leak', note: 'two words' }, 'taken\nup');
  logger.error({ err: new Error('no room') }, 'trouble');
  const [first, second, third] = (read() ?? '').split('\n');
  expect(first).toMatch(/^\d{4}-\S+Z INFO {2}agent: taken \| up task_id=task-1 token=\[redacted\] note="two words"$/);
  expect(second).toMatch(/ERROR agent: trouble err="Error: no room"$/);
  expect(third).toMatch(/^ {4}at /);
});
