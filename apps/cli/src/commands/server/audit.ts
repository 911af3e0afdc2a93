import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, createGroup } from '../../command.ts';
import { parseMoment } from '../../present/parse-moment.ts';
import { administer, type ServerPlace } from './administer.ts';

interface PruneOptions extends ServerPlace {
  before: string;
  reason: string;
}

export const serverAudit = (cli: Cli): Command =>
  createGroup('audit', 'The audit log at its old end: prune', cli, [prune]);

const prune = (cli: Cli): Command =>
  createCommand('prune', 'Remove old entries and leave a signed record of the gap; export them first', cli, [
    'server audit prune default --before 2025-01-01 --reason "kept for a year"',
  ])
    .argument('<organisation>', 'name or id')
    .requiredOption('--before <time>', 'only entries that are older: a day or a time of ISO 8601', parseMoment)
    .requiredOption('--reason <text>', 'why; it stays in the record')
    .action((name: string, _options: object, command: Command) => {
      const { before, reason, ...place } = command.optsWithGlobals<PruneOptions>();
      administer(cli, place, ['audit', 'prune', name, '--before', before, '--reason', reason]);
    });
