import { ApiError, type Client, ConnectionError } from '@groundcrew/client';
import type { TaskId } from '@groundcrew/protocol';
import type { Cli } from '../cli.ts';
import { formatChanges } from '../present/task.ts';
import { isInteractive } from '../terminal/io.ts';
import { askChoice, askYesNo } from '../terminal/prompt.ts';
import type { StatusLine } from '../terminal/status-line.ts';
import type { Style } from '../terminal/style.ts';

/** What the questions that come up while a task is followed are asked with. */
export interface FollowTalk {
  cli: Cli;
  client: Client;
  status: StatusLine;
  style: Style;
  taskId: TaskId;
  /** How often cancelling was asked for. */
  cancels: number;
}

type Outcome = 'go_on' | 'detach';

/** Asks whether to apply the plan that waits, and says so to the server. */
export async function decideApproval(talk: FollowTalk): Promise<Outcome> {
  const { cli, client, status, style, taskId } = talk;
  const task = await client.call('getTask', { params: { task_id: taskId } });
  if (task.status !== 'awaiting_approval' || task.plan === null) return 'go_on';
  const question = `Apply to ${style.bold(task.workspace_name)}: ${formatChanges(task) ?? 'this plan'}?`;
  const answer = await withoutStatus(status, () => askYesNo(cli.io, question));
  if (answer === undefined) return handleInterrupt(talk);
  const params = { task_id: taskId };
  const { checksum } = task.plan;
  return tell(talk, () =>
    answer
      ? client.call('approveTask', { params, body: { plan_checksum: checksum } })
      : client.call('discardTask', { params, body: { reason: 'declined at the terminal' } }),
  );
}

/** Ctrl-C: leave the task running, or cancel it. Without a terminal to ask on it is cancelled; a second time, left. */
export async function handleInterrupt(talk: FollowTalk): Promise<Outcome> {
  if (!isInteractive(talk.cli.io)) return talk.cancels > 0 ? detach(talk) : cancel(talk);
  const answer = await withoutStatus(talk.status, () =>
    askChoice(talk.cli.io, `Stop watching ${talk.taskId}?`, [
      { value: 'detach', label: 'Detach', hint: 'the task goes on without you' },
      {
        value: 'cancel',
        label: 'Cancel the task',
        hint: 'Terraform finishes what it is doing, saves the state and stops',
      },
      { value: 'go_on', label: 'Go on watching' },
    ]),
  );
  if (answer === 'go_on') return 'go_on';
  return answer === 'cancel' ? cancel(talk) : detach(talk);
}

async function cancel(talk: FollowTalk): Promise<Outcome> {
  talk.cancels += 1;
  talk.status.say(talk.style.yellow('Cancelling: Terraform is asked to stop; what it is doing now it finishes.'));
  return tell(talk, () =>
    talk.client.call('cancelTask', {
      params: { task_id: talk.taskId },
      body: { reason: 'interrupted at the terminal' },
    }),
  );
}

function detach({ cli, status, taskId }: FollowTalk): Outcome {
  status.say(`Detached; the task goes on. Come back with: ${cli.name} task logs -f ${taskId}`);
  return 'detach';
}

/** A refusal (somebody else was faster, it has ended meanwhile) or no answer is told, and does not end the watching. */
async function tell({ status, style }: FollowTalk, call: () => Promise<unknown>): Promise<Outcome> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
    status.say(style.yellow(error.message));
  }
  return 'go_on';
}

async function withoutStatus<T>(status: StatusLine, ask: () => Promise<T>): Promise<T> {
  status.pause();
  try {
    return await ask();
  } finally {
    status.unpause();
  }
}
