import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Exit, readExit } from '@groundcrew/terraform';
import { findProcessStat, type ProcessStat } from './process-stat.ts';

/** Terraform's commands, each run at most once in an attempt. */
export type CommandName = 'init' | 'providers' | 'plan' | 'show' | 'apply';

/** What the launcher writes about one command into the journal's folder. */
export interface CommandRecord {
  /** Beginning of its files' paths. */
  path: string;
  /** Terraform's process as it was born; undefined before that. */
  findProcess(): ProcessStat | undefined;
  /** How Terraform ended; undefined as long as nobody saw it. */
  findExit(): Exit | undefined;
  /** A variable of the environment that Terraform was given; undefined before that, and for a value with a quote in it. */
  findVariable(name: string): string | undefined;
}

/** Ending of the file that holds what the launcher was told. */
export const ORDER = '.order';

/** The record of `command` in the journal's folder. */
export function commandRecord(journalDir: string, command: CommandName): CommandRecord {
  const path = join(journalDir, command);
  return {
    path,
    findProcess: () => parseWith(findProcessStat, readIfThere(`${path}.pid`)),
    findExit: () => parseWith(findShellStatus, readIfThere(`${path}.exit`)),
    findVariable: (name) =>
      new RegExp(`^export ${name}='([^']*)'$`, 'm').exec(readIfThere(`${path}${ORDER}`) ?? '')?.[1],
  };
}

/** Reads the shell's `$?`; undefined for a file that was cut off. */
function findShellStatus(content: string): Exit | undefined {
  const status = /^(\d{1,3})\n$/.exec(content)?.[1];
  return status === undefined || Number(status) > 255 ? undefined : readExit(Number(status));
}

const parseWith = <T>(parse: (content: string) => T | undefined, content: string | undefined): T | undefined =>
  content === undefined ? undefined : parse(content);

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
