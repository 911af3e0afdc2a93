import type { Client } from '@groundcrew/client';
import type { LogStreamInfo, Phase, TaskId } from '@groundcrew/protocol';
import { type Command, Option } from 'commander';
import type { Cli } from '../../cli.ts';
import { createCommand, parseCount, parseOffset, parseTaskId } from '../../command.ts';
import { followTask } from '../../follow/follow-task.ts';
import { pickStreams, readStream } from '../../follow/read-stream.ts';
import { concludeTask } from '../../follow/run-task.ts';
import { awaitRoom } from '../../terminal/io.ts';
import { createSafeText } from '../../terminal/safe-text.ts';
import { wantsColours } from '../../terminal/style.ts';

interface LogOptions {
  follow?: boolean;
  from?: number;
  phase?: Phase;
  attempt?: number;
}

export const taskLogs = (cli: Cli): Command =>
  createCommand('logs', "Show a task's log: plan, then apply", cli, [
    'task logs task-k3j5…',
    'task logs -f task-k3j5…                    # live, to the end',
    'task logs task-k3j5… --phase apply --from 4096',
  ])
    .argument('<task>', 'its id', parseTaskId)
    .option('-f, --follow', "go on with what comes; the exit code is the task's verdict")
    .option('--from <byte>', 'begin at this byte of the first phase that is shown', parseOffset)
    .addOption(new Option('--phase <phase>', 'only this phase').choices(['plan', 'apply']))
    .option('--attempt <n>', 'only this attempt; default the newest', parseCount)
    .action(async (taskId: TaskId, { follow, from, phase, attempt }: LogOptions) => {
      const client = await cli.client();
      if (!follow) return printLogs(cli, client, taskId, { from, phase, attempt });
      const followed = await followTask(cli, client, { taskId, askApproval: false, phase, attempt, offset: from });
      if (followed !== 'detached') concludeTask(cli, followed.task, false);
    });

interface Wanted {
  from: number | undefined;
  phase: Phase | undefined;
  attempt: number | undefined;
}

async function printLogs(cli: Cli, client: Client, taskId: TaskId, wanted: Wanted): Promise<void> {
  const { items } = await client.call('listLogStreams', { params: { task_id: taskId } });
  const streams = pickStreams(items, wanted.phase, wanted.attempt);
  const printed: unknown[] = [];
  for (const stream of streams) {
    const from = printed.length === 0 ? (wanted.from ?? 0) : 0;
    printed.push({ ...stream, content: await printStream(cli, client, stream, from) });
    if (!stream.complete) cli.note(`This is not all of the ${stream.phase} log yet; follow it with -f.`);
  }
  if (streams.length === 0)
    cli.note(
      `Task ${taskId} has no log${wanted.phase === undefined ? '' : ` of its ${wanted.phase}`} yet. Why it waits: ${cli.name} task why ${taskId}`,
    );
  if (cli.json) cli.print(printed, () => '');
}

/** Writes a stream as it is read; with --json nothing is written, and the whole text is given. */
async function printStream(cli: Cli, client: Client, stream: LogStreamInfo, from: number): Promise<string> {
  const safe = createSafeText(!cli.json && wantsColours(cli.io, cli.io.stdout));
  const kept: string[] = [];
  const show = (text: string): void => {
    if (cli.json) kept.push(text);
    else cli.io.stdout.write(text);
  };
  for await (const bytes of readStream(client, stream, from)) {
    show(safe.push(bytes));
    await awaitRoom(cli.io.stdout);
  }
  show(safe.end());
  return kept.join('');
}
