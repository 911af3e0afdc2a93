import { resolve } from 'node:path';
import type { Command } from 'commander';
import { becomeProgram } from '../../become-program.ts';
import type { Cli } from '../../cli.ts';
import { createCommand, createGroup } from '../../command.ts';
import { serverEntry } from './entry.ts';

/** Of the server command, before or behind the name of this one. */
interface Place {
  config?: string;
  home?: string;
}

interface RotateOptions extends Place {
  organization?: string;
  wait: boolean;
}

interface RewrapOptions extends Place {
  new?: boolean;
  forgetOld?: boolean;
}

export const serverKeys = (cli: Cli): Command =>
  createGroup('keys', 'Encryption keys: list, rotate, rewrap; beside a server that runs or without', cli, [
    list,
    rotate,
    rewrap,
  ]);

const list = (cli: Cli): Command =>
  createCommand('list', 'Show master keys and data keys, and how much depends on each', cli, [
    'server keys list --home /var/lib/groundcrew',
  ]).action((_options: object, command: Command) => become(cli, command.optsWithGlobals<Place>(), ['list']));

const rotate = (cli: Cli): Command =>
  createCommand('rotate', 'Make new data keys and seal everything with them', cli, [
    'server keys rotate',
    'server keys rotate --organization default --no-wait',
  ])
    .option('--organization <name>', 'of this organisation only, by name or id')
    .option('--no-wait', 'leave the sealing to the servers, which do it by and by')
    .action((_options: object, command: Command) => {
      const { organization, wait, ...place } = command.optsWithGlobals<RotateOptions>();
      const of = organization === undefined ? [] : ['--organization', organization];
      become(cli, place, ['rotate', ...of, ...(wait ? [] : ['--no-wait'])]);
    });

const rewrap = (cli: Cli): Command =>
  createCommand('rewrap', 'Wrap all data keys with the first master key', cli, [
    'server keys rewrap',
    'server keys rewrap --new --forget-old',
  ])
    .option('--new', 'make a new master key in the home first; only where the server made its own')
    .option('--forget-old', 'take the old ones out of the home afterwards; backups from before cannot be opened then')
    .action((_options: object, command: Command) => {
      const { new: addNew, forgetOld, ...place } = command.optsWithGlobals<RewrapOptions>();
      become(cli, place, ['rewrap', ...(addNew ? ['--new'] : []), ...(forgetOld ? ['--forget-old'] : [])]);
    });

/** The work is done by the server's own program, which alone knows the database and the master key. */
function become(cli: Cli, { config, home }: Place, args: readonly string[]): never {
  const where = config === undefined ? [] : ['--config', resolve(cli.io.cwd, config)];
  return becomeProgram(
    serverEntry(),
    { args: ['keys', ...args, ...where, ...(cli.json ? ['--json'] : [])] },
    cli.io.env,
    { GROUNDCREW_HOME: home && resolve(cli.io.cwd, home) },
  );
}
