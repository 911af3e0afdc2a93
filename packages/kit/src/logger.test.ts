import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from './logger.ts';

function capture() {
  const lines: string[] = [];
  return {
    lines,
    logger: createLogger({ name: 'test', destination: { write: (line: string) => void lines.push(line) } }),
  };
}

test('writes one JSON object a line, with name, level and time', () => {
  const { lines, logger } = capture();
  logger.warn({ task_id: 'task-1' }, 'late');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ name: 'test', level: 'warn', task_id: 'task-1', msg: 'late' });
  expect(JSON.parse(lines[0] ?? '').time).toMatch(/^\d{4}-.*\.\d{3}Z$/);
});

test('secrets are blanked three levels deep, headers included', () => {
  const { lines, logger } = capture();
  logger.info({
    token: 'leak',
    request: { headers: { Authorization: 'leak', cookie: 'leak' } },
    user: { password: 'leak' },
  });
  logger.child({ secret: 'leak' }).info('child');
  expect(lines.join()).not.toContain('leak');
  expect(lines.join()).toContain('[redacted]');
});

test('appends to a file whose folder is missing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gc-kit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'deeper', 'agent.log');
  createLogger({ name: 'a', destination: path }).info('first');
  createLogger({ name: 'b', destination: path }).info('second');
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(2);
});

test('a reader that went away does not end the process', () => {
  const script = `
    import { createLogger } from '${new URL('./logger.ts', import.meta.url).href}';
    const logger = createLogger({ name: 'orphan' });
    for (let i = 0; i < 2000; i += 1) { logger.info({ i }, 'x'.repeat(200)); await new Promise(setImmediate); }
    process.stdout.write('survived');`;
  const command = `{ "$0" --input-type=module -e "$1" 3>&1 1>&4 2>&3 | head -c 1 >/dev/null; } 4>&1`;
  expect(execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' })).toBe('survived');
});
