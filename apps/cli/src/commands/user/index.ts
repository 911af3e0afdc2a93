import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { userCreate } from './create.ts';
import { userDelete } from './delete.ts';
import { userList } from './list.ts';
import { userPassword } from './password.ts';
import { userUpdate } from './update.ts';

export const user = (cli: Cli): Command =>
  createGroup('user', 'People and their roles: create, list, update, delete; your password', cli, [
    userCreate,
    userList,
    userUpdate,
    userDelete,
    userPassword,
  ]);
