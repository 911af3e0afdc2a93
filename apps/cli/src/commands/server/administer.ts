import { resolve } from 'node:path';
import { becomeProgram } from '../../become-program.ts';
import type { Cli } from '../../cli.ts';
import { serverEntry } from './entry.ts';

/** Options of the server command, before or behind the name of the one below it. */
export interface ServerPlace {
  config?: string;
  home?: string;
}

/** What only the server's own program can do, because it has the database and the keys; beside a server that runs or without. */
export function administer(cli: Cli, { config, home }: ServerPlace, args: readonly string[]): never {
  const where = config === undefined ? [] : ['--config', resolve(cli.io.cwd, config)];
  return becomeProgram(serverEntry(), { args: [...args, ...where, ...(cli.json ? ['--json'] : [])] }, cli.io.env, {
    GROUNDCREW_HOME: home && resolve(cli.io.cwd, home),
  });
}
