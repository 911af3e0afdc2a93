import { createFakeClock, createLogger } from '@groundcrew/kit';
import { expect, test } from 'vitest';
import { waitForDisk } from './full-disk.ts';

const diskFull = (code: string) => Object.assign(new Error(`${code}: no space left on device, write`), { code });

function setUp() {
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } });
  const clock = createFakeClock();
  const leaving = new AbortController();
  return { lines, clock, leaving, deps: { clock, logger, signal: leaving.signal } };
}

test.each(['ENOSPC', 'EDQUOT'])('%s is waited out, said once, and work goes on', async (code) => {
  const { lines, clock, deps } = setUp();
  let tries = 0;
  const waited = waitForDisk(async () => {
    tries += 1;
    if (tries < 4) throw diskFull(code);
    return 'done';
  }, deps);
  await clock.advance(10_000);
  expect(await waited).toBe('done');
  expect(tries).toBe(4);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'the disk of the work folder is full; the agent starts as soon as there is room',
    'the disk of the work folder has room again',
  ]);
});

test('any other error is thrown at once', async () => {
  const { lines, deps } = setUp();
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  await expect(waitForDisk(() => Promise.reject(denied), deps)).rejects.toBe(denied);
  expect(lines).toEqual([]);
});

test('an agent that leaves waits no longer', async () => {
  const { clock, leaving, deps } = setUp();
  const waited = waitForDisk(() => Promise.reject(diskFull('ENOSPC')), deps);
  waited.catch(() => {});
  await clock.advance(2_500);
  leaving.abort(new Error('leaving'));
  await expect(waited).rejects.toThrow('no space left');
});
