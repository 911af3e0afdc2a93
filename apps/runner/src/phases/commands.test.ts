import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@groundcrew/kit';
import { expect, it, onTestFinished } from 'vitest';
import { attemptFolder, createFolders } from '../folder/index.ts';
import { openJournal } from '../journal/index.ts';
import { type CommandName, type CommandOrder, commandRecord } from '../launcher/index.ts';
import { createWishes } from '../lease/index.ts';
import { createCommands } from './commands.ts';

it('notices the unseen end of a command although the launcher of the next one waits', async () => {
  const folder = attemptFolder(await mkdtemp(join(tmpdir(), 'gc-runner-commands-')));
  onTestFinished(() => rm(folder.root, { recursive: true, force: true }));
  await createFolders(folder);
  const order = (name: CommandName): CommandOrder => ({
    name,
    program: '/bin/sh',
    args: ['-c', 'echo "$PPID" >"$1"; exec sleep 1000', 'sh', join(folder.tmp, 'launcher')],
    env: { PATH: '/usr/bin:/bin' },
    cwd: folder.work,
    stdout: folder.raw.plan,
    stderr: folder.raw.plan,
  });
  const commands = createCommands({
    folder,
    journal: await openJournal(folder.journal),
    wishes: createWishes(),
    clock: systemClock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    onlyFollow: false,
    onStarted: () => {},
  });
  const running = commands.run(order('plan'), { timeoutAt: Number.POSITIVE_INFINITY, acknowledged: () => false });
  commands.prepare();
  const record = commandRecord(folder.journal, 'plan');
  while (!existsSync(join(folder.tmp, 'launcher'))) await systemClock.sleep(5);
  await systemClock.sleep(100);
  // The only witness first, then what it watched.
  process.kill(Number(await readFile(join(folder.tmp, 'launcher'), 'utf8')), 'SIGKILL');
  process.kill(record.findProcess()?.pid ?? 0, 'SIGKILL');
  expect(await running).toMatchObject({ code: null, signal: null });
  commands.close();
});
