import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface RunOptions {
  /** The whole environment of the child; ours is never passed on, give `process.env` to do that. Empty when not given. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** SIGKILL for the child's whole process group after this; without it there is no limit. */
  timeoutMs?: number;
  /** Kills the group too, as the time-out does. */
  signal?: AbortSignal;
  /** Written to standard input, which is empty otherwise. */
  input?: string | Uint8Array;
  /** How much of each output is kept; the rest is read and thrown away. 1 MiB when not given. */
  maxOutputBytes?: number;
  /** Another user to run as; needs root. */
  uid?: number;
  gid?: number;
}

export interface RunResult {
  /** Exit code, or null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** It was killed because its time was over or the caller's signal aborted. */
  killed: boolean;
  /** Some output was thrown away. */
  truncated: boolean;
}

const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024;
/** How long a grandchild that kept an output open is waited for after the child itself has ended. */
const OUTPUT_GRACE_MS = 500;

/**
 * Runs a program to its end, in a session and process group of its own, and collects what it printed. An exit code other than
 * zero is a result; only a program that cannot be started throws.
 */
export function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv;
  const { env = {}, cwd, uid, gid, input, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    const stdout = collect(child.stdout, maxOutputBytes);
    const stderr = collect(child.stderr, maxOutputBytes);
    const limits = limit(child, options);
    // A program that does not read its input closes the pipe; that is its own affair.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', (error) => {
      limits.clear();
      reject(new Error(`Cannot start ${program}: ${describe(error)}.`, { cause: error }));
    });
    child.once('exit', () => limits.onExit());
    child.once('close', (code, signal) => {
      limits.clear();
      const truncated = stdout.truncated() || stderr.truncated();
      resolve({ code, signal, stdout: stdout.text(), stderr: stderr.text(), killed: limits.killed(), truncated });
    });
  });
}

function collect(stream: Readable, maxBytes: number) {
  const chunks: Buffer[] = [];
  let kept = 0;
  let seen = 0;
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (kept < maxBytes) chunks.push(chunk.subarray(0, maxBytes - kept));
    kept = Math.min(maxBytes, seen);
  });
  stream.on('error', () => {});
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => seen > kept };
}

function limit(child: ChildProcess, { timeoutMs, signal }: RunOptions) {
  const timers: NodeJS.Timeout[] = [];
  let killed = false;
  const kill = () => {
    killed = true;
    killGroup(child);
  };
  if (timeoutMs !== undefined) timers.push(setTimeout(kill, timeoutMs));
  if (signal?.aborted) kill();
  else signal?.addEventListener('abort', kill, { once: true });
  return {
    killed: () => killed,
    /** The child is gone; its outputs may still be held open by something it left behind. */
    onExit() {
      clear();
      timers.push(setTimeout(() => closeOutputs(child), OUTPUT_GRACE_MS));
    },
    clear,
  };
  function clear(): void {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
  }
}

function closeOutputs(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
  }
}

function describe(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'no such program (or its working folder is missing)';
  if (error.code === 'EACCES') return 'it may not be executed';
  return error.message;
}
