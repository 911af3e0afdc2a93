import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { aPlannedTask, aStateVersion } from '../records-for-tests.ts';
import { makeFolder, run } from '../run-for-tests.ts';
import { createStyle } from '../terminal/style.ts';
import { formatSummary } from './demo-summary.ts';
import { findTool } from './find-tool.ts';
import { readTail } from './read-tail.ts';

function folder(): string {
  const { path, remove } = makeFolder();
  onTestFinished(remove);
  return path;
}

describe('Terraform', () => {
  it('is found on PATH before OpenTofu, and only if it can be run', async () => {
    const [first, second] = [folder(), folder()];
    writeFileSync(join(first, 'tofu'), '', { mode: 0o755 });
    writeFileSync(join(first, 'terraform'), '', { mode: 0o644 });
    mkdirSync(join(second, 'tofu'));
    expect(await findTool({ PATH: `${second}:${first}` })).toEqual({ tool: 'tofu', path: join(first, 'tofu') });
    chmodSync(join(first, 'terraform'), 0o755);
    expect(await findTool({ PATH: `${second}:${first}` })).toEqual({
      tool: 'terraform',
      path: join(first, 'terraform'),
    });
  });

  it.each(['up', 'demo'])('is missed by %s in one sentence, before anything is started', async (command) => {
    const cwd = folder();
    const { code, err } = await run([command], { cwd, env: { PATH: cwd } });
    expect(code).toBe(1);
    expect(err).toMatch(
      /^Error: Neither terraform nor tofu is on PATH: install one of them \(.*\) and start again\.\n$/,
    );
  });
});

it('the end of a log is told as words', async () => {
  const path = join(folder(), 'server.log');
  expect(await readTail(path, 3)).toBe('');
  writeFileSync(path, 'old\n{"level":"error","msg":"no","err":{"message":"broken"}}\nThe port is taken.\n');
  expect(await readTail(path, 2)).toBe('error: no: broken\nThe port is taken.');
});

it('the demonstration is summed up', () => {
  const task = aPlannedTask({ status: 'applied', agent_name: 'server' });
  const timings = { readyMs: 1500, taskMs: 2000, stopMs: 100, totalMs: 4000 };
  const text = formatSummary(
    { ok: true, tool: '/bin/terraform', task, logs: [], state: aStateVersion(), timings },
    createStyle(false),
  );
  expect(text).toContain('Server     ready in 1.5 s, from an empty folder');
  expect(text).toContain('applied in 2 s by agent server');
  expect(text).not.toContain('null');
});
