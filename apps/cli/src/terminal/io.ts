import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** Where the command reads and writes; the process's own, or a test's. */
export interface Io {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Calls back for every such signal until the returned function is called. */
  onSignal(name: NodeJS.Signals, listener: () => void): () => void;
}

/** The process's own. */
export const createProcessIo = (): Io => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  onSignal(name, listener) {
    process.on(name, listener);
    return () => void process.off(name, listener);
  },
});

/** Whether there is somebody to ask: both ends of the conversation are a terminal. */
export const isInteractive = (io: Io): boolean => io.stdin.isTTY === true && io.stderr.isTTY === true && !io.env.CI;

/** Resolves once a stream has room: a reader that is slower than the log must not make us keep the log in memory. */
export async function awaitRoom(stream: Writable): Promise<void> {
  if (stream.writableNeedDrain) await once(stream, 'drain');
}

/** Everything on standard input as text; of a secret, the line break at its end is no part. */
export async function readAll(io: Io): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Uint8Array | string));
  return Buffer.concat(chunks).toString('utf8');
}
