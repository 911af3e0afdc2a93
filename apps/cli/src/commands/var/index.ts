import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { varDelete } from './delete.ts';
import { varList } from './list.ts';
import { varSet } from './set.ts';

export const variable = (cli: Cli): Command =>
  createGroup('var', 'Variables of a workspace: list, set, delete', cli, [varList, varSet, varDelete]);
