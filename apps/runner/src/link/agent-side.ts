import type { Clock, Logger } from '@groundcrew/kit';
import { type FromRunner, RUNNER_LINK_VERSION, type RunnerTask, type ToRunner } from '@groundcrew/protocol';
import type { Wishes } from '../lease/index.ts';
import { openLink } from './link.ts';

/** Where the server is, and how it is trusted. */
export type ServerAddress = Omit<ToRunner & { type: 'server' }, 'type'>;

/** What the agent is told of where the attempt is. */
interface ToldStanding {
  readonly stage: (FromRunner & { type: 'progress' })['stage'] | undefined;
  readonly progress: (FromRunner & { type: 'progress' })['progress'] | undefined;
  onChange(listener: () => void): void;
}

export interface AgentSideOptions {
  path: string;
  version: string;
  wishes: Wishes;
  standing: ToldStanding;
  /** The agent is accepting an offer for this runner; whether it gets the attempt is told by `assigned`. */
  onOffered: (task: RunnerTask) => void;
  /** The attempt of this folder, if it has one by now. */
  findTask: () => Promise<RunnerTask | undefined>;
  /** The agent says where the server is. */
  onServer: (address: ServerAddress) => void;
  clock: Clock;
  logger: Logger;
}

/** The agent as the runner knows it: somebody who attaches, gives an attempt, passes on wishes, and may be gone at any time. */
export interface AgentSide {
  /** The attempt this runner is for; undefined when it is not needed any more. */
  waitForTask(): Promise<RunnerTask | undefined>;
  /** From now on the agent is told about this attempt. */
  take(task: RunnerTask): void;
  send(message: FromRunner): void;
  close(): Promise<void>;
}

/** A spare whose agent is gone is nobody's: the next agent starts its own. @internal */
export const ABANDONED_AFTER_MS = 60_000;

export async function openAgentSide(options: AgentSideOptions): Promise<AgentSide> {
  const { wishes, standing, clock } = options;
  const assigned = Promise.withResolvers<RunnerTask | undefined>();
  let task: RunnerTask | undefined;
  let lonely = new AbortController();

  const link = await openLink({
    ...options,
    greet,
    onMessage,
    onAttached: () => lonely.abort(),
    onDetached: waitForCompany,
  });
  standing.onChange(() => progress().map(link.send));
  waitForCompany();

  function greet(): FromRunner[] {
    const { pid } = process;
    const { version } = options;
    const hello = { type: 'hello', link_version: RUNNER_LINK_VERSION, pid, version } as const;
    return [{ ...hello, attempt_id: task?.attempt_id ?? null, action: task?.action ?? null }, ...progress()];
  }

  function progress(): FromRunner[] {
    if (task === undefined) return [];
    return [
      {
        type: 'progress',
        attempt_id: task.attempt_id,
        stage: standing.stage ?? null,
        progress: standing.progress ?? null,
      },
    ];
  }

  function onMessage(message: ToRunner): void {
    switch (message.type) {
      // An agent that died between task.json and `assigned` left it to its successor's hello.
      case 'hello':
        void options.findTask().then((found) => found && assigned.resolve(found));
        break;
      case 'offered':
        options.onOffered(message.task);
        break;
      case 'assigned':
        assigned.resolve(message.task);
        break;
      case 'cancel':
        wishes.raise(message.level);
        break;
      case 'watched':
        wishes.watch(message.watched, message.log_interval_ms);
        break;
      case 'server':
        hearOfServer(message);
        break;
      case 'leave':
        assigned.resolve(undefined);
    }
  }

  /** An address that cannot be used must not end a runner under which Terraform works. */
  function hearOfServer({ server_url, ca_file, allow_insecure }: ServerAddress): void {
    try {
      options.onServer({ server_url, ca_file, allow_insecure });
    } catch (error) {
      options.logger.error({ err: error, server_url }, 'the address the agent tells cannot be used; the old one stays');
    }
  }

  function waitForCompany(): void {
    if (task !== undefined || link?.attached > 0) return;
    lonely = new AbortController();
    clock.sleep(ABANDONED_AFTER_MS, lonely.signal).then(
      () => assigned.resolve(undefined),
      () => {},
    );
  }

  return {
    waitForTask: () => assigned.promise,
    take(taken) {
      task = taken;
      lonely.abort();
    },
    send: link.send,
    close: link.close,
  };
}
