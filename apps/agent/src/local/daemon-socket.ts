import { createConnection, type Socket } from 'node:net';
import type { Logger } from '@groundcrew/kit';
import { type DaemonHeartbeat, RPC_ERROR, RpcRequest, RpcResponse } from '@groundcrew/protocol';
import type { DaemonChannel } from './daemon-link.ts';
import { splitLines } from './split-lines.ts';

/** What a daemon may ask of the agent: each gives the call's result, or throws an {@link RpcFailure}. */
export type RpcMethods = Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => unknown>>;

/** A call that is answered with an error. */
export class RpcFailure extends Error {
  override readonly name = 'RpcFailure';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface DaemonSocketOptions {
  path: string;
  timeoutMs: () => number;
  methods: RpcMethods;
  logger: Logger;
}

/** A document that is longer, or answers that nobody reads beyond this, end the connection. */
const LONGEST = { line: 65_536, unread: 262_144 } as const;
/**
 * What is read of a daemon between two heartbeats, in characters; thousands of calls. The rest waits in its own buffers: answering a
 * flood would take the time of the agent's heartbeats to the server.
 */
const MOST_READ = 262_144;

interface Waiting {
  id: number;
  settle: (error: Error | undefined) => void;
}

/**
 * Heartbeats as calls of JSON-RPC 2.0 over a Unix socket, one document a line, over which the daemon calls the agent as well. The
 * connection is made with the first heartbeat, and made anew with the next one after it broke, so the daemon can call for as long as it
 * takes heartbeats.
 */
export function createDaemonSocket({ path, timeoutMs, methods, logger }: DaemonSocketOptions): DaemonChannel {
  let socket: Socket | undefined;
  let waiting: Waiting | undefined;
  let nextId = 0;
  let read = 0;

  function breakOff(broken: Socket, error: Error): void {
    broken.destroy();
    if (socket !== broken) return;
    socket = undefined;
    waiting?.settle(error);
  }

  function connect(): Socket {
    const made = createConnection(path);
    made.setEncoding('utf8');
    const takeLines = splitLines(
      LONGEST.line,
      (line) => receive(made, line),
      (error) => breakOff(made, error),
    );
    made.on('data', (piece: string) => {
      read += piece.length;
      if (read > MOST_READ) made.pause();
      takeLines(piece);
    });
    made.on('error', (error) => breakOff(made, error));
    made.on('close', () => breakOff(made, new Error('it closed the connection')));
    return made;
  }

  function receive(from: Socket, line: string): void {
    const document = parseJson(line);
    const response = RpcResponse.safeParse(document);
    if (response.success && isObject(document) && !('method' in document)) settle(response.data);
    else answerCall(from, document);
  }

  function settle({ id, error, result }: RpcResponse): void {
    // One without id says that the daemon understood nothing of what we said last; any other belongs to a call given up.
    if (waiting === undefined || (id !== waiting.id && id !== null)) return;
    if (error !== undefined) waiting.settle(new Error(`it answered ${error.code}: ${error.message.slice(0, 200)}`));
    else waiting.settle(result === undefined ? new Error('it answered nothing that is understood') : undefined);
  }

  function answerCall(from: Socket, document: unknown): void {
    const answer = findAnswer(methods, document, logger);
    if (answer !== undefined) say(from, answer);
  }

  function say(to: Socket, document: object): void {
    to.write(`${JSON.stringify({ jsonrpc: '2.0', ...document })}\n`);
    if (to.writableLength > LONGEST.unread) breakOff(to, new Error('it does not read what it is told'));
  }

  return {
    send: (heartbeat: DaemonHeartbeat) =>
      new Promise((resolve, reject) => {
        socket ??= connect();
        const used = socket;
        nextId += 1;
        read = 0;
        used.resume();
        const timer = setTimeout(
          () => breakOff(used, new Error(`it did not answer within ${timeoutMs()} ms`)),
          timeoutMs(),
        );
        waiting = {
          id: nextId,
          settle: (error) => {
            clearTimeout(timer);
            waiting = undefined;
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        say(used, { id: nextId, method: 'heartbeat', params: heartbeat });
      }),
    close: () => socket?.destroy(),
  };
}

/** What a call is answered with; undefined for a notification. */
function findAnswer(methods: RpcMethods, document: unknown, logger: Logger): object | undefined {
  const call = RpcRequest.safeParse(document);
  if (!call.success) {
    // Answering what is no call either would let two confused sides talk for ever.
    if (!isObject(document) || !('method' in document)) return undefined;
    return { id: null, error: { code: RPC_ERROR.noRequest, message: 'This is no call of JSON-RPC 2.0.' } };
  }
  const { id, method, params = {} } = call.data;
  try {
    const result = invoke(methods, method, params);
    return id === undefined ? undefined : { id, result };
  } catch (error) {
    if (!(error instanceof RpcFailure)) logger.error({ err: error, method }, 'a call of the daemon’s went wrong');
    const { code, message } =
      error instanceof RpcFailure ? error : { code: -32_603, message: 'The agent’s log says what went wrong.' };
    return id === undefined ? undefined : { id, error: { code, message } };
  }
}

function invoke(methods: RpcMethods, method: string, params: Readonly<Record<string, unknown>>): unknown {
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (found === undefined)
    throw new RpcFailure(
      RPC_ERROR.noMethod,
      `The agent has no method ${method.slice(0, 40)}; it has ${Object.keys(methods).join(', ')}.`,
    );
  return found(params);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
