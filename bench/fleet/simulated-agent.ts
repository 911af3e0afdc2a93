import type { Client } from '@groundcrew/client';
import { createNodeClient } from '@groundcrew/client/node';
import { newSecret, sha256Hex } from '@groundcrew/kit';
import {
  type AgentFrame,
  ATTEMPT_TOKEN_PREFIX,
  type RegisterAnswer,
  type RunTask,
  ServerFrame,
  SOCKETS,
  type TaskId,
} from '@groundcrew/protocol';
import { describeBeat } from './describe-beat.ts';
import { runAttempt } from './simulated-attempt.ts';

export interface SimulatedAgentOptions {
  serverUrl: string;
  /** `apt_…` of its pool. */
  poolToken: string;
  name: string;
  mode: 'push' | 'pull';
  /** What an attempt waits for between its first log line and its end; nothing when not given. */
  hold?: () => Promise<void>;
  onOffered?: (taskId: TaskId) => void;
  /** The server has said that the accept counts. */
  onAccepted?: (taskId: TaskId) => void;
  /** The exit record is in. */
  onEnded?: (taskId: TaskId) => void;
  /** Over the socket: how long the answer took, in milliseconds. */
  onBeatAnswered?: (ms: number) => void;
  onFault: (error: unknown) => void;
}

/** An agent without processes: what it says and when it says it is what a real one does, what it runs is nothing. */
export interface SimulatedAgent {
  readonly id: RegisterAnswer['id'];
  /** Since when a heartbeat waits for its answer, on `performance.now()`'s clock; undefined when none does. */
  readonly beatUnansweredSince: number | undefined;
  readonly isUp: boolean;
  /** Resolves with the server's answer to the hello; at once for one that pulls. */
  readonly ready: Promise<void>;
  close(): void;
}

const PULL_SECONDS = 25;

/** Signs on and takes offers until closed. */
export async function startSimulatedAgent(options: SimulatedAgentOptions): Promise<SimulatedAgent> {
  const { serverUrl: baseUrl, poolToken, name, mode, onFault } = options;
  const registrar = createNodeClient({ baseUrl, token: poolToken });
  const signedOn = await registrar.call('registerAgent', { body: describeSelf(name) });
  registrar.close();
  const client = createNodeClient({ baseUrl, token: signedOn.token });
  const held = new Set<string>();
  const stop = new AbortController();

  /** From an accept that counts to the end of the attempt. */
  async function run(order: RunTask, accept: (secretHash: string) => Promise<unknown>): Promise<void> {
    options.onOffered?.(order.task_id);
    const secret = newSecret();
    await accept(sha256Hex(secret));
    options.onAccepted?.(order.task_id);
    held.add(order.attempt.id);
    const runner = createNodeClient({ baseUrl, token: ATTEMPT_TOKEN_PREFIX + secret });
    await runAttempt(runner, order, options.hold).finally(() => runner.close());
    held.delete(order.attempt.id);
    options.onEnded?.(order.task_id);
  }

  const describe = () => describeBeat(name, [...held]);
  const link = mode === 'push' ? createPush(client, signedOn, options, describe, run) : undefined;
  if (link === undefined) void pull(client, stop.signal, run).catch(onFault);

  return {
    id: signedOn.id,
    get beatUnansweredSince() {
      return link?.beatUnansweredSince();
    },
    get isUp() {
      return link?.isUp() ?? true;
    },
    ready: link?.ready ?? Promise.resolve(),
    close() {
      stop.abort();
      link?.close();
      client.close();
    },
  };
}

const describeSelf = (name: string) => ({
  name,
  agent_id: name,
  version: '0.0.0-simulated',
  labels: ['region=bench'],
  capabilities: { terraform_versions: ['1.11.4'], installs_versions: true },
  limits: { max_concurrent_jobs: 1 },
  machine_id: name,
  boot_id: name,
  folder_id: name,
  instance: 1,
});

type Run = (order: RunTask, accept: (secretHash: string) => Promise<unknown>) => Promise<void>;

/** The command socket: hello, heartbeats as often as the server asks, an accept for every offer. */
function createPush(
  client: Client,
  { heartbeat_interval_seconds: everySeconds }: RegisterAnswer,
  { name, onBeatAnswered, onFault }: SimulatedAgentOptions,
  describe: () => ReturnType<typeof describeBeat>,
  run: Run,
) {
  const waiting = new Map<string, (frame: ServerFrame) => void>();
  const ready = Promise.withResolvers<void>();
  let [next, beatAt] = [0, undefined as number | undefined];
  const newId = (): string => {
    next += 1;
    return `a${next}`;
  };

  const socket = client.socket<ServerFrame, AgentFrame>({
    path: SOCKETS.control,
    query: { agent_id: name },
    parse: (json) => ServerFrame.parse(json),
    onMessage: receive,
    onBadMessage: onFault,
    onUp: () => [
      {
        type: 'hello',
        id: newId(),
        payload: { agent_id: name, instance: 1, version: '0.0.0-simulated', attempts: [], free_slots: 1 },
      },
    ],
    onDown: ({ reason }) => void onFault(new Error(`The socket of ${name} is down: ${reason}`)),
  });

  function receive(frame: ServerFrame): void {
    if (frame.type === 'hello_ack') ready.resolve();
    else if (frame.type === 'run_task') void run(frame.payload, (hash) => accept(frame.payload, hash)).catch(onFault);
    else if ('reply' in frame.payload) waiting.get(frame.payload.reply)?.(frame);
  }

  function ask(frame: AgentFrame): Promise<ServerFrame> {
    return new Promise((resolve, reject) => {
      waiting.set(frame.id, (answer) => {
        waiting.delete(frame.id);
        if (answer.type === 'refused') reject(new Error(answer.payload.error));
        else resolve(answer);
      });
      if (!socket.send(frame, { transient: true })) reject(new Error(`The socket of ${name} takes nothing.`));
    });
  }

  const accept = (order: RunTask, secretHash: string) =>
    ask({
      type: 'accept',
      id: newId(),
      payload: { task_id: order.task_id, attempt_id: order.attempt.id, secret_hash: secretHash },
    });

  async function beat(): Promise<void> {
    // One at a time: what a late answer costs is seen on the heartbeat that waits for it.
    if (beatAt !== undefined || !socket.isUp) return;
    beatAt = performance.now();
    await ask({ type: 'heartbeat', id: newId(), payload: describe() });
    onBeatAnswered?.(performance.now() - beatAt);
    beatAt = undefined;
  }
  const timer = setInterval(() => void beat().catch(onFault), everySeconds * 1000);

  return {
    ready: ready.promise,
    isUp: () => socket.isUp,
    beatUnansweredSince: () => beatAt,
    close() {
      clearInterval(timer);
      socket.close();
    },
  };
}

/** Long polls, one after the other, each offer accepted over HTTP before the next poll goes out. */
async function pull(client: Client, signal: AbortSignal, run: Run): Promise<void> {
  while (!signal.aborted) {
    const body = { free_slots: 1, attempts: [], wait_seconds: PULL_SECONDS };
    const order = await client
      .call('pullTask', { body }, { timeoutMs: (PULL_SECONDS + 15) * 1000, retry: 'never', signal })
      .catch((error) => {
        if (!signal.aborted) throw error;
      });
    if (order === undefined) continue;
    await run(order, (secret_hash) =>
      client.call('acceptAttempt', {
        params: { task_id: order.task_id },
        body: { attempt_id: order.attempt.id, secret_hash },
      }),
    );
  }
}
