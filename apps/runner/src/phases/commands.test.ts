import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@groundcrew/kit';
import { expect, it, onTestFinished } from 'vitest';
import { type AttemptFolder, attemptFolder, createFolders } from '../folder/index.ts';
import { openJournal } from '../journal/index.ts';
import { type CommandOrder, commandRecord, isAlive, openLauncher } from '../launcher/index.ts';
import { createWishes } from '../lease/index.ts';
import { type Commands, createCommands } from './commands.ts';

const FOR_EVER = { timeoutAt: Number.POSITIVE_INFINITY, acknowledged: () => false };

async function makeFolder(): Promise<AttemptFolder> {
  const folder = attemptFolder(await mkdtemp(join(tmpdir(), 'gc-runner-commands-')));
  onTestFinished(() => rm(folder.root, { recursive: true, force: true }));
  await createFolders(folder);
  return folder;
}

/** A command in Terraform's place, which writes a number into the file `told`, once it is there. */
const orderOf = (folder: AttemptFolder, script: string): CommandOrder => ({
  name: 'plan',
  program: '/bin/sh',
  args: ['-c', script, 'sh', join(folder.tmp, 'told')],
  env: { PATH: '/usr/bin:/bin' },
  cwd: folder.work,
  stdout: folder.raw.plan,
  stderr: folder.raw.plan,
});

async function commandsOf(folder: AttemptFolder): Promise<Commands> {
  return createCommands({
    folder,
    journal: await openJournal(folder.journal),
    wishes: createWishes(),
    clock: systemClock,
    logger: createLogger({ name: 'test', level: 'silent' }),
    onlyFollow: false,
    onStarted: () => {},
  });
}

async function hear(folder: AttemptFolder): Promise<number> {
  const path = join(folder.tmp, 'told');
  for (;;) {
    const told = existsSync(path) ? await readFile(path, 'utf8') : '';
    if (told.endsWith('\n')) return Number(told);
    await systemClock.sleep(5);
  }
}

it('notices the unseen end of a command although the launcher of the next one waits', async () => {
  const folder = await makeFolder();
  const commands = await commandsOf(folder);
  const running = commands.run(orderOf(folder, 'echo "$PPID" >"$1"; exec sleep 1000'), FOR_EVER);
  commands.prepare();
  const record = commandRecord(folder.journal, 'plan');
  const launcher = await hear(folder);
  await systemClock.sleep(100);
  // The only witness first, then what it watched.
  process.kill(launcher, 'SIGKILL');
  process.kill(record.findProcess()?.pid ?? 0, 'SIGKILL');
  expect(await running).toMatchObject({ code: null, signal: null });
  commands.close();
});

it('ends what a Terraform left running whose end an earlier runner did not live to see', async () => {
  const folder = await makeFolder();
  const order = orderOf(folder, 'sleep 1000 & echo "$!" >"$1"; wait');
  // The earlier runner, of which nothing is left but what it started.
  openLauncher(folder).go(order);
  const orphan = await hear(folder);
  onTestFinished(() => endIfThere(orphan));
  const record = commandRecord(folder.journal, 'plan');
  process.kill(record.findProcess()?.pid ?? 0, 'SIGKILL');
  while (record.findExit() === undefined) await systemClock.sleep(5);
  expect(await isAlive(folder.alive)).toBe(true);
  expect(await (await commandsOf(folder)).run(order, FOR_EVER)).toMatchObject({ signal: 'SIGKILL' });
  expect(await isAlive(folder.alive)).toBe(false);
});

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone, as it should be.
  }
}
