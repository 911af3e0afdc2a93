import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { poolCreate } from './create.ts';
import { poolDelete } from './delete.ts';
import { poolList } from './list.ts';
import { poolAdd, poolRemove } from './member.ts';
import { poolShow } from './show.ts';
import { poolToken } from './token.ts';
import { poolUpdate } from './update.ts';

export const pool = (cli: Cli): Command =>
  createGroup('pool', 'Pools of agents: list, show, create, update, delete, add, remove, token', cli, [
    poolList,
    poolShow,
    poolCreate,
    poolUpdate,
    poolDelete,
    poolAdd,
    poolRemove,
    poolToken,
  ]);
