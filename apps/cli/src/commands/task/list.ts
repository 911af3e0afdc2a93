import { TaskStatus } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, limitOption } from '../../command.ts';
import { formatTasks } from '../../present/task.ts';
import { collectPages } from '../../session/pages.ts';

interface ListOptions {
  workspace?: string;
  status?: TaskStatus;
  active?: boolean;
  limit: number;
}

export const taskList = (cli: Cli): Command =>
  createCommand('list', 'Show tasks, newest first', cli, [
    'task list',
    'task list --active',
    'task list -w hello --status failed',
  ])
    .option('-w, --workspace <workspace>', 'only of this one, by name or id')
    .addOption(new Option('--status <status>', 'only with this status').choices(TaskStatus.options))
    .option('--active', 'only tasks that have not ended')
    .addOption(limitOption())
    .action(async ({ workspace, status, active, limit }: ListOptions) => {
      const client = await cli.client();
      const only = {
        ...(workspace === undefined ? {} : { workspace_id: workspace }),
        ...(status === undefined ? {} : { status }),
        ...(active ? { active: 'true' as const } : {}),
      };
      const tasks = await collectPages(limit, (page) => client.call('listTasks', { query: { ...page, ...only } }));
      cli.print(tasks, () => formatTasks(tasks, cli.style, cli.clock.now()));
    });
