import type { Command } from 'commander';
import type { Cli } from '../../../cli.ts';
import { createGroup } from '../../../command.ts';
import { quarantineAccept } from './accept.ts';
import { quarantineCompare } from './compare.ts';
import { quarantineDiscard } from './discard.ts';
import { quarantineList } from './list.ts';
import { quarantineShow } from './show.ts';

export const stateQuarantine = (cli: Cli): Command =>
  createGroup('quarantine', 'States that nobody had the right to write: list, show, compare, accept, discard', cli, [
    quarantineList,
    quarantineShow,
    quarantineCompare,
    quarantineAccept,
    quarantineDiscard,
  ]);
