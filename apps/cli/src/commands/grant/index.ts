import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { grantCreate } from './create.ts';
import { grantList } from './list.ts';
import { grantRevoke } from './revoke.ts';

export const grant = (cli: Cli): Command =>
  createGroup('grant', 'Roles on single workspaces: create, list, revoke', cli, [grantCreate, grantList, grantRevoke]);
