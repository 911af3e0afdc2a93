import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@groundcrew/kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AttemptFolder, attemptFolder, createFolders } from '../folder/index.ts';
import { findFate, settleFate } from '../journal/index.ts';
import {
  type CommandName,
  type CommandOrder,
  commandRecord,
  endGroup,
  followCommand,
  interruptProcess,
  isAlive,
  isRunning,
  killGroup,
  openLauncher,
} from './index.ts';
import type { ProcessStat } from './process-stat.ts';

// A shell script stands in for Terraform where the test is about processes alone.
let folder: AttemptFolder;
const started: ProcessStat[] = [];
beforeEach(async () => {
  folder = attemptFolder(await mkdtemp(join(tmpdir(), 'gc-runner-launcher-')));
  await createFolders(folder);
});
afterEach(async () => {
  for (const process of started.splice(0)) killGroup(process);
  await rm(folder.root, { recursive: true, force: true });
});

const order = (script: string, name: CommandName = 'plan', env: Record<string, string> = {}): CommandOrder => ({
  name,
  program: '/bin/sh',
  args: ['-c', script],
  env: { PATH: '/usr/bin:/bin', ...env },
  cwd: folder.work,
  stdout: folder.raw.plan,
  stderr: folder.raw.plan,
});
/** A launcher, with the order it will be given. */
function prepareCommand(of: AttemptFolder, given: CommandOrder) {
  const launcher = openLauncher(of);
  return { ...launcher, go: () => launcher.go(given) };
}
const record = (name: CommandName = 'plan') => commandRecord(folder.journal, name);
const follow = (name: CommandName = 'plan', launcherGone?: Promise<void>) =>
  followCommand(record(name), {
    clock: systemClock,
    isAlive: () => isAlive(folder.alive),
    ...(launcherGone ? { launcherGone } : {}),
  });
const raw = () => (existsSync(folder.raw.plan) ? readFileSync(folder.raw.plan, 'utf8') : '');

async function until<T>(what: () => T | undefined | false): Promise<T> {
  for (let i = 0; i < 1_000; i += 1) {
    const found = what();
    if (found !== undefined && found !== false) return found;
    await systemClock.sleep(5);
  }
  throw new Error(`waited in vain for ${what}`);
}
async function startedProcess(name: CommandName = 'plan'): Promise<ProcessStat> {
  const process = await until(() => record(name).findProcess());
  started.push(process);
  // The record is written right before the exec of `setsid`.
  await until(
    () => Number(readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]) === process.pid,
  );
  return process;
}

/** A runner in miniature, as a process of its own: prepares a command and, on `go`, has it run. */
function startOwner(word: 'go' | 'wait', script: string): ChildProcess {
  const program = fileURLToPath(new URL('./launcher-owner-for-tests.ts', import.meta.url));
  return spawn(process.execPath, [program, folder.root, word, script], { stdio: 'inherit' });
}
async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

describe('launcher', () => {
  it('runs the program in its own session, with exactly the given environment and output in order', async () => {
    const command = prepareCommand(
      folder,
      order('echo out; echo err >&2; cat; env; cut -d" " -f5,6 /proc/$$/stat; pwd; exit 7', 'plan', {
        A: "quo'te\n$x",
        stdout: 'mine',
      }),
    );
    command.go();
    expect(await follow('plan', command.gone)).toEqual({ code: 7, signal: null });
    const { pid } = record().findProcess()!;
    // A shell adds PWD and nothing else.
    const env = ['PATH=/usr/bin:/bin', "A=quo'te\n$x", 'stdout=mine', `PWD=${folder.work}`];
    const [out, err, ...lines] = raw().split('\n');
    expect([out, err]).toEqual(['out', 'err']);
    expect(lines.slice(0, -3).sort()).toEqual(env.join('\n').split('\n').sort());
    expect(lines.slice(-3)).toEqual([`${pid} ${pid}`, folder.work, '']);
    expect(await isAlive(folder.alive)).toBe(false);
  });

  it.each(['SIGINT', 'SIGKILL', 'SIGSEGV'])('tells death by %s', async (signal) => {
    const command = prepareCommand(folder, order(`kill -${signal.slice(3)} $$`));
    command.go();
    expect(await follow('plan', command.gone)).toEqual({ code: null, signal });
  });

  it('runs nothing without the word', async () => {
    const command = prepareCommand(folder, order('echo ran', 'apply'));
    command.abandon();
    await command.gone;
    expect(raw()).toBe('');
    expect(await findFate(folder.journal)).toBeUndefined();
  });

  it('runs nothing when the runner dies before the word, and is gone then', async () => {
    const owner = startOwner('wait', 'echo ran');
    await until(() => existsSync(folder.alive));
    while (!(await isAlive(folder.alive))) await systemClock.sleep(5);
    await kill(owner);
    while (await isAlive(folder.alive)) await systemClock.sleep(5);
    expect(raw()).toBe('');
    expect(record().findProcess()).toBeUndefined();
  });

  it('starts an apply once only, after its fate is written, and never against it', async () => {
    const first = prepareCommand(folder, order(`cat ${folder.journal}/fate`, 'apply'));
    first.go();
    await first.gone;
    expect(raw()).toBe('started\n');
    const second = prepareCommand(folder, order('echo again', 'apply'));
    second.go();
    await second.gone;
    expect(raw()).toBe('started\n');
  });

  it('does not start an apply that was ruled out while the launcher waited', async () => {
    const slow = prepareCommand(folder, order('echo ran', 'apply'));
    expect(await settleFate(folder.journal)).toBe('never');
    slow.go();
    await slow.gone;
    expect(raw()).toBe('');
    expect(record('apply').findProcess()).toBeUndefined();
  });

  it('lets exactly one win when an apply is started and ruled out at once', async () => {
    for (let round = 0; round < 8; round += 1) {
      await rm(join(folder.journal, 'fate'), { force: true });
      await rm(folder.raw.plan, { force: true });
      const command = prepareCommand(folder, order('echo ran', 'apply'));
      await systemClock.sleep(20);
      command.go();
      await systemClock.sleep(Math.random() * 3);
      const fate = await settleFate(folder.journal);
      await command.gone;
      expect(raw()).toBe(fate === 'started' ? 'ran\n' : '');
    }
  });

  it('interrupts Terraform’s own process and nothing else', async () => {
    const command = prepareCommand(
      folder,
      order('trap "echo interrupted; kill %1; exit 1" INT; (trap "" INT; exec sleep 60) & echo ready; wait'),
    );
    command.go();
    const process = await startedProcess();
    await until(() => raw().includes('ready'));
    expect(interruptProcess(process)).toBe(true);
    expect(await follow('plan', command.gone)).toEqual({ code: 1, signal: null });
    expect(raw()).toContain('interrupted');
    expect(interruptProcess(process)).toBe(false);
  });

  it('survives the kill of Terraform’s group, which takes all of it', async () => {
    const command = prepareCommand(folder, order('sleep 60 & sleep 61'));
    command.go();
    const process = await startedProcess();
    expect(killGroup(process)).toBe(true);
    expect(await follow('plan', command.gone)).toEqual({ code: null, signal: 'SIGKILL' });
    while (await isAlive(folder.alive)) await systemClock.sleep(5);
  });

  it('knows by the lock that an orphan still runs, until it is killed with its group', async () => {
    const command = prepareCommand(folder, order('sleep 60 & exit 0'));
    command.go();
    expect(await follow('plan', command.gone)).toEqual({ code: 0, signal: null });
    expect(await isAlive(folder.alive)).toBe(true);
    expect(await endGroup(record().findProcess()!, { clock: systemClock, isAlive: () => isAlive(folder.alive) })).toBe(
      true,
    );
    expect(await isAlive(folder.alive)).toBe(false);
  });

  it('is not kept from the next command by a straggler in a session of its own', async () => {
    const first = prepareCommand(folder, order('setsid sleep 60 & echo $! && sleep 0.1'));
    first.go();
    await first.gone;
    const straggler = Number(/\d+/.exec(raw())?.[0]);
    try {
      await endGroup(record().findProcess()!, { clock: systemClock, isAlive: () => isAlive(folder.alive) });
      const second = prepareCommand(folder, order('echo second', 'show'));
      second.go();
      expect(await follow('show', second.gone)).toEqual({ code: 0, signal: null });
      expect(await isAlive(folder.alive)).toBe(true);
    } finally {
      process.kill(straggler, 'SIGKILL');
    }
  });

  it('leaves Terraform alone when the launcher is killed; the end has no witness then', async () => {
    const command = prepareCommand(folder, order('while [ ! -e go-on ]; do sleep 0.02; done; echo done'));
    command.go();
    const terraform = await startedProcess();
    process.kill(terraform.parent, 'SIGKILL');
    await command.gone;
    const end = follow('plan', command.gone);
    expect(isRunning(terraform)).toBe(true);
    writeFileSync(join(folder.work, 'go-on'), '');
    expect(await end).toEqual({ code: null, signal: null });
    expect(raw()).toBe('done\n');
  });

  it('goes on, and tells a successor the end, when the runner is killed', async () => {
    const owner = startOwner('go', 'while [ ! -e go-on ]; do sleep 0.02; done; exit 5');
    const terraform = await startedProcess();
    await kill(owner);
    expect(isRunning(terraform)).toBe(true);
    expect(await isAlive(folder.alive)).toBe(true);
    const end = follow();
    writeFileSync(join(folder.work, 'go-on'), '');
    expect(await end).toEqual({ code: 5, signal: null });
  });

  it('gives every start time-out to a prober of the lock', async () => {
    const command = prepareCommand(folder, order('echo ran'));
    for (let i = 0; i < 5; i += 1) await isAlive(folder.alive);
    command.go();
    expect(await follow('plan', command.gone)).toEqual({ code: 0, signal: null });
  });
});
