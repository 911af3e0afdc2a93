import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { poolCreate } from './create.ts';
import { poolList } from './list.ts';
import { poolShow } from './show.ts';
import { poolTokenCreate } from './token-create.ts';

const poolToken = (cli: Cli): Command =>
  createGroup('token', 'Tokens that agents register with: create', cli, [poolTokenCreate]);

export const pool = (cli: Cli): Command =>
  createGroup('pool', 'Pools of agents: list, show, create, token', cli, [poolList, poolShow, poolCreate, poolToken]);
