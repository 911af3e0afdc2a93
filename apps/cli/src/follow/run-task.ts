import type { CallInput, Client } from '@groundcrew/client';
import type { Task } from '@groundcrew/protocol';
import type { Cli } from '../cli.ts';
import { formatKind, formatTask } from '../present/task.ts';
import { formatTaskVerdict } from '../present/verdict.ts';
import { createStyle, wantsColours } from '../terminal/style.ts';
import { followTask } from './follow-task.ts';
import { exitCodeOf, formatVerdict } from './verdict.ts';

export interface RunTaskOptions {
  body: CallInput<'createTask'>['body'];
  detach: boolean;
  askApproval: boolean;
  detailedExitCode: boolean;
}

/** Asks for a task and follows it to its end; the command's exit code is Terraform's verdict. */
export async function runTask(cli: Cli, client: Client, options: RunTaskOptions): Promise<void> {
  const task = await client.call('createTask', { body: options.body });
  if (options.detach) return printDetached(cli, task);
  cli.note(`Task ${task.id}: ${formatKind(task)} on ${task.workspace_name}`);
  const followed = await followTask(cli, client, { taskId: task.id, askApproval: options.askApproval });
  if (followed === 'detached') return cli.print({ ...task, detached: true }, () => '');
  concludeTask(cli, followed.task, options.detailedExitCode);
}

/** Prints how a task ended and sets the exit code. */
export function concludeTask(cli: Cli, task: Task, detailedExitCode: boolean): void {
  const style = createStyle(wantsColours(cli.io, cli.io.stderr));
  cli.note(formatVerdict(task, style));
  if (task.verdict) cli.note(`\n${formatTaskVerdict(task, style, cli.name)}`);
  if (cli.json) cli.print(task, () => '');
  cli.exitWith(exitCodeOf(task, detailedExitCode));
}

function printDetached(cli: Cli, task: Task): void {
  cli.print(task, () => formatTask(task, cli.style));
  cli.note(`Follow it with: ${cli.name} task logs -f ${task.id}`);
}
