import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { stateList } from './list.ts';
import { statePull } from './pull.ts';
import { statePush } from './push.ts';
import { stateQuarantine } from './quarantine/index.ts';
import { stateRollback } from './rollback.ts';
import { stateShow } from './show.ts';

export const state = (cli: Cli): Command =>
  createGroup('state', 'State of a workspace: list, show, pull, push, rollback, quarantine', cli, [
    stateList,
    stateShow,
    statePull,
    statePush,
    stateRollback,
    stateQuarantine,
  ]);
