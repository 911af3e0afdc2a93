import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptFolder } from '../folder/index.ts';
import { FATE_FILE } from '../journal/index.ts';
import { type CommandName, commandRecord, ORDER } from './command-record.ts';
import { LAUNCHER_SCRIPT } from './launcher-script.ts';

/** One run of Terraform, completely described. */
export interface CommandOrder {
  name: CommandName;
  program: string;
  args: readonly string[];
  /** Terraform's whole environment; names that a shell could have itself. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** Files that its output is appended to; they may be the same. */
  stdout: string;
  stderr: string;
}

/** A launcher that waits for its order, whichever command that will be. */
export interface Launcher {
  /** Has Terraform run. Whatever happens to us from here on, it runs to its end and the end is written down. */
  go(order: CommandOrder): void;
  /** It is not needed after all; nothing is run. */
  abandon(): void;
  /** Resolves when the launcher is gone: Terraform's end is in the record then, or will never be. */
  readonly gone: Promise<void>;
}

/**
 * Starts a launcher, so that nothing but the exec of Terraform is left when its time has come. Should we die before `go`, it
 * leaves without having done anything.
 */
export function openLauncher(folder: AttemptFolder): Launcher {
  const alive = openSync(folder.alive, 'a', 0o600);
  const log = openSync(folder.log, 'a', 0o600);
  const stdio: ['pipe', number, number, number] = ['pipe', log, log, alive];
  const env = { PATH: process.env.PATH };
  const launcher = spawn('/bin/sh', [LAUNCHER_SCRIPT], { cwd: folder.root, env, detached: true, stdio });
  closeSync(alive);
  closeSync(log);
  const { stdin } = launcher;
  // It may have died; `gone` tells.
  stdin?.on('error', () => {});
  const gone = new Promise<void>((resolve) => {
    launcher.once('exit', () => resolve());
    launcher.once('error', () => resolve());
  });
  return {
    go(order) {
      // Made here and not by the shell, whose umask is Terraform's and so nobody's business.
      for (const output of [order.stdout, order.stderr]) closeSync(openSync(output, 'a', 0o600));
      stdin?.end(`${writeOrder(folder, order)}\n`);
    },
    abandon: () => void stdin?.end(),
    gone,
  };
}

/** Writes the order as the launcher's script reads it, and gives the file's path. It goes with the attempt's folder. */
function writeOrder(folder: AttemptFolder, { name, program, args, env, cwd, stdout, stderr }: CommandOrder): string {
  const { path: record } = commandRecord(folder.journal, name);
  const fate = name === 'apply' ? join(folder.journal, FATE_FILE) : '';
  const places = { gc__record: record, gc__fate: fate, gc__folder: cwd, gc__stdout: stdout, gc__stderr: stderr };
  const exports = Object.entries(env).map(([key, value]) => `export ${key}=${quote(value)}`);
  const own = Object.entries(places).map(([key, value]) => `${key}=${quote(value)}`);
  const path = `${record}${ORDER}`;
  const words = [program, ...args].map(quote).join(' ');
  // A function that the shell calls at the very last: no program but Terraform is ever started with these in its environment.
  const environment = ['gc__environment() {', ...exports, ':', '}'];
  writeFileSync(path, `${[...environment, ...own, `set -- ${words}`].join('\n')}\n`, { mode: 0o600 });
  return path;
}

/** A word that the shell takes as it is. */
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
