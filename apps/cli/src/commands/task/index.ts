import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { createGroup } from '../../command.ts';
import { taskApprove } from './approve.ts';
import { taskCancel } from './cancel.ts';
import { taskClose } from './close.ts';
import { taskDiscard } from './discard.ts';
import { taskList } from './list.ts';
import { taskLogs } from './logs.ts';
import { taskShow } from './show.ts';
import { taskWhy } from './why.ts';

export const task = (cli: Cli): Command =>
  createGroup('task', 'Tasks: list, show, logs, approve, discard, cancel, close, why', cli, [
    taskList,
    taskShow,
    taskLogs,
    taskApprove,
    taskDiscard,
    taskCancel,
    taskClose,
    taskWhy,
  ]);
