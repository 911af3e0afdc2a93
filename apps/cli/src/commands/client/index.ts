import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { clientCreate } from './create.ts';
import { clientList } from './list.ts';
import { clientRevoke } from './revoke.ts';
import { clientRotate } from './rotate.ts';

export const client = (cli: Cli): Command =>
  createGroup('client', 'Machine clients with a key and a secret: create, list, rotate, revoke', cli, [
    clientCreate,
    clientList,
    clientRotate,
    clientRevoke,
  ]);
