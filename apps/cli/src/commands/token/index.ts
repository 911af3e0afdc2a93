import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { tokenCreate } from './create.ts';
import { tokenList } from './list.ts';
import { tokenRevoke } from './revoke.ts';

export const token = (cli: Cli): Command =>
  createGroup('token', 'Tokens of people and pipelines: create, list, revoke', cli, [
    tokenCreate,
    tokenList,
    tokenRevoke,
  ]);
