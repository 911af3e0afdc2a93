import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@groundcrew/kit';
import { expect, it, onTestFinished } from 'vitest';
import { readInterrupts } from '../journal/index.ts';
import { commandRecord } from '../launcher/index.ts';
import { createWishes } from '../lease/index.ts';
import { superviseStop } from './index.ts';

it('waits with a signal that cannot be written down, and sends it when it can', async () => {
  const root = await mkdtemp(join(tmpdir(), 'gc-runner-stop-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const journalDir = join(root, 'journal');
  const wishes = createWishes();
  const ended = new AbortController();
  const said: string[] = [];
  const stopping = superviseStop(
    {
      command: 'apply',
      record: commandRecord(journalDir, 'apply'),
      journalDir,
      wishes,
      startedAt: () => 0,
      timeoutAt: Number.POSITIVE_INFINITY,
      acknowledged: () => false,
      clock: systemClock,
      logger: createLogger({ name: 'test', destination: { write: (line) => void said.push(line) } }),
    },
    ended.signal,
  );
  // Stands in for a full disk: the journal's folder is not there.
  wishes.raise(1);
  while (said.length === 0) await systemClock.sleep(10);
  expect(said[0]).toContain('cannot be written down');
  await mkdir(journalDir);
  while ((await readInterrupts(journalDir)).length === 0) await systemClock.sleep(10);
  ended.abort();
  expect(await stopping).toEqual({ asked: true, timedOut: false });
  expect(await readInterrupts(journalDir)).toMatchObject([{ command: 'apply', signal: 'SIGINT' }]);
});
