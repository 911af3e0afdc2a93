import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptFolder } from '../folder/index.ts';
import { FATE_FILE } from '../journal/index.ts';
import { type CommandName, commandRecord } from './command-record.ts';
import { LAUNCHER_SCRIPT } from './launcher-script.ts';

/** One run of Terraform, completely described. */
export interface CommandOrder {
  name: CommandName;
  program: string;
  args: readonly string[];
  /** Terraform's whole environment. */
  env: Readonly<Record<string, string>>;
  /** Where it runs; need not be there before `go`. */
  cwd: string;
  /** Files that its output is appended to; they may be the same. */
  stdout: string;
  stderr: string;
}

/** A launcher that waits for the word. */
export interface PreparedCommand {
  /** Has Terraform run. Whatever happens to us from here on, it runs to its end and the end is written down. */
  go(): void;
  /** It is not needed after all; nothing is run. */
  abandon(): void;
  /** Resolves when the launcher is gone: Terraform's end is in the record then, or will never be. */
  readonly gone: Promise<void>;
}

/**
 * Starts the launcher of a command, so that nothing but the exec of Terraform is left when its time has come. Should we die
 * before `go`, it leaves without having done anything.
 */
export function prepareCommand(folder: AttemptFolder, order: CommandOrder): PreparedCommand {
  const { path } = commandRecord(folder.journal, order.name);
  const fate = order.name === 'apply' ? join(folder.journal, FATE_FILE) : '-';
  const alive = openSync(folder.alive, 'a', 0o600);
  const log = openSync(folder.log, 'a', 0o600);
  // Made here and not by the shell, whose umask is Terraform's and so nobody's business.
  for (const output of [order.stdout, order.stderr]) closeSync(openSync(output, 'a', 0o600));
  const args = [LAUNCHER_SCRIPT, path, fate, order.cwd, order.stdout, order.stderr, order.program, ...order.args];
  const stdio: ['pipe', number, number, number] = ['pipe', log, log, alive];
  const launcher = spawn('/bin/sh', args, { cwd: folder.root, env: { ...order.env }, detached: true, stdio });
  closeSync(alive);
  closeSync(log);
  const { stdin } = launcher;
  // It may have died; `gone` tells.
  stdin?.on('error', () => {});
  const gone = new Promise<void>((resolve) => {
    launcher.once('exit', () => resolve());
    launcher.once('error', () => resolve());
  });
  return { go: () => void stdin?.end('go\n'), abandon: () => void stdin?.end(), gone };
}
