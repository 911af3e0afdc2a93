import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, createGroup } from '../../command.ts';
import { administer, type ServerPlace } from './administer.ts';

export const serverOrg = (cli: Cli): Command =>
  createGroup('org', 'Organisations: create, list, show, invite, delete; beside a server that runs or without', cli, [
    create,
    list,
    show,
    invite,
    remove,
  ]);

const create = (cli: Cli): Command =>
  createCommand('create', 'Add an organisation; prints the sign-in token of its first owner, once', cli, [
    'server org create acme --home /var/lib/groundcrew',
  ])
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .action(run(cli, 'create'));

const list = (cli: Cli): Command =>
  createCommand('list', 'Show the organisations', cli, ['server org list']).action(
    (_options: object, command: Command) => administer(cli, command.optsWithGlobals<ServerPlace>(), ['org', 'list']),
  );

const show = (cli: Cli): Command =>
  createCommand('show', 'Show one organisation and what it holds', cli, ['server org show acme'])
    .argument('<organisation>', 'name or id')
    .action(run(cli, 'show'));

const invite = (cli: Cli): Command =>
  createCommand('invite', 'Make another sign-in token for its first owner, who lost theirs', cli, [
    'server org invite acme',
  ])
    .argument('<organisation>', 'name or id')
    .action(run(cli, 'invite'));

const remove = (cli: Cli): Command =>
  createCommand('delete', 'Close an organisation: nobody gets in any more, nothing of it is lost', cli, [
    'server org delete acme',
  ])
    .argument('<organisation>', 'name or id')
    .action(run(cli, 'delete'));

const run = (cli: Cli, what: string) => (name: string, _options: object, command: Command) =>
  administer(cli, command.optsWithGlobals<ServerPlace>(), ['org', what, name]);
