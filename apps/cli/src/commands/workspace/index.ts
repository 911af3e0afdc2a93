import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { workspaceCreate } from './create.ts';
import { workspaceDelete } from './delete.ts';
import { workspaceList } from './list.ts';
import { workspaceLock } from './lock.ts';
import { workspaceShow } from './show.ts';
import { workspaceUnlock } from './unlock.ts';
import { workspaceUpdate } from './update.ts';

export const workspace = (cli: Cli): Command =>
  createGroup('workspace', 'Workspaces: list, show, create, update, delete, lock, unlock', cli, [
    workspaceList,
    workspaceShow,
    workspaceCreate,
    workspaceUpdate,
    workspaceDelete,
    workspaceLock,
    workspaceUnlock,
  ]).alias('ws');
