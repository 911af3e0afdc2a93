import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { sessionEnd } from './end.ts';
import { sessionList } from './list.ts';

export const session = (cli: Cli): Command =>
  createGroup('session', 'Browsers that are signed in: list, end', cli, [sessionList, sessionEnd]);
