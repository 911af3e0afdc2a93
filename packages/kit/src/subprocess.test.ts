import { existsSync, readFileSync } from 'node:fs';
import { getuid } from 'node:process';
import { expect, test } from 'vitest';
import { run } from './subprocess.ts';

const sh = (script: string, options?: Parameters<typeof run>[1]) => run(['sh', '-c', script], options);

test('an exit code other than zero is a result', async () => {
  expect(await sh('echo out; echo err >&2; exit 3')).toEqual({
    code: 3,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
    killed: false,
    truncated: false,
  });
});

test('nothing of our environment reaches the child unless it is given', async () => {
  process.env.GC_KIT_TEST_SECRET = 'leak';
  expect((await sh('env')).stdout).not.toContain('leak');
  expect((await sh('env', { env: { ONLY: 'this' } })).stdout).toContain('ONLY=this');
  expect((await sh('env', { env: process.env })).stdout).toContain('leak');
});

test('input goes to standard input, and a program that ignores it does no harm', async () => {
  expect((await sh('cat', { input: 'hello' })).stdout).toBe('hello');
  expect((await sh('exit 0', { input: 'x'.repeat(1_000_000) })).code).toBe(0);
});

test.runIf(process.platform === 'linux')('a time-out kills the whole group, grandchildren included', async () => {
  const result = await sh('sleep 1000 & echo $!; wait', { timeoutMs: 200 });
  expect(result).toMatchObject({ code: null, signal: 'SIGKILL', killed: true });
  expect(isAlive(Number(result.stdout))).toBe(false);
});

test('an aborted signal kills too', async () => {
  const leaving = new AbortController();
  const running = sh('sleep 1000', { signal: leaving.signal });
  leaving.abort();
  expect(await running).toMatchObject({ signal: 'SIGKILL', killed: true });
  expect(await sh('sleep 1000', { signal: leaving.signal })).toMatchObject({ killed: true });
});

test('a grandchild that keeps the output open does not keep us', async () => {
  const result = await sh('sleep 1000 & echo $!', { timeoutMs: 30_000 });
  process.kill(Number(result.stdout), 'SIGKILL');
  expect(result).toMatchObject({ code: 0, killed: false });
});

test('more output than wanted is read and thrown away', async () => {
  const result = await sh('head -c 300000 /dev/zero | tr "\\0" x; echo done >&2', { maxOutputBytes: 1000 });
  expect(result).toMatchObject({ code: 0, stdout: 'x'.repeat(1000), stderr: 'done\n', truncated: true });
});

test('a program that cannot be started is an error that names it', async () => {
  await expect(run(['no-such-program-anywhere'])).rejects.toThrow(
    /^Cannot start no-such-program-anywhere: no such program/,
  );
  await expect(run(['/etc/passwd'])).rejects.toThrow('it may not be executed');
});

test.runIf(getuid?.() === 0)('runs as another user', async () => {
  expect((await sh('id -u; id -g', { uid: 65534, gid: 65534, cwd: '/' })).stdout).toBe('65534\n65534\n');
});

/** A dead process that nobody has waited for yet still has a pid. */
function isAlive(pid: number): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : undefined;
  return stat !== undefined && !/\) [ZX] /.test(stat);
}
