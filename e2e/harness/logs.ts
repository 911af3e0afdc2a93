import { followLog } from '@groundcrew/client';
import { sha256Hex } from '@groundcrew/kit';
import type { LogPart, Phase, TaskId, ViewerFrame } from '@groundcrew/protocol';
import type { RunningServer } from './server.ts';

/** A stored log, and what the server says of the whole of it. */
export interface StoredLog extends Pick<LogPart, 'length' | 'complete' | 'incomplete_reason' | 'checksum'> {
  bytes: Buffer;
  text: string;
}

/** Reads a phase's log from its first byte to its last. */
export async function readLog(server: RunningServer, taskId: TaskId, phase: Phase): Promise<StoredLog> {
  const chunks: Buffer[] = [];
  for (let offset = 0; ; ) {
    const query = { phase, offset, limit: 4_194_304 };
    const part = await server.client.call('readLog', { params: { task_id: taskId }, query });
    chunks.push(Buffer.from(part.content_base64, 'base64'));
    offset = part.next_offset;
    if (offset < part.length) continue;
    const bytes = Buffer.concat(chunks);
    return { ...part, bytes, text: bytes.toString() };
  }
}

/** What a log says so far, without colours; nothing while there is none. */
export async function readText(server: RunningServer, taskId: TaskId, phase: Phase): Promise<string> {
  const { items } = await server.client.call('listLogStreams', { params: { task_id: taskId } });
  return items.some((stream) => stream.phase === phase) ? plain((await readLog(server, taskId, phase)).text) : '';
}

/** The log of a phase, once it is complete and its length and checksum are those of its bytes; throws when they are not. */
export async function readWholeLog(server: RunningServer, taskId: TaskId, phase: Phase): Promise<StoredLog> {
  const log = await readLog(server, taskId, phase);
  if (!log.complete || log.incomplete_reason !== null)
    throw new Error(`The ${phase} log of ${taskId} is not complete: ${log.incomplete_reason}`);
  if (log.bytes.length !== log.length || sha256Hex(log.bytes) !== log.checksum)
    throw new Error(
      `The ${phase} log of ${taskId} has ${log.bytes.length} bytes that are not those it was closed with.`,
    );
  return log;
}

/** Text without terminal colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: taking control characters out is the point
export const plain = (text: string): string => text.replaceAll(/\u001b\[[0-9;]*m/g, '');

/** What a viewer has seen of one task. */
export interface Watched {
  frames: ViewerFrame[];
  /** The bytes of a phase in the order in which they came; throws where a byte is missing or came twice. */
  bytesOf(phase: Phase): Buffer;
  /** Resolves after the last frame. */
  done: Promise<void>;
  stop(): void;
}

/** Watches a task as a person would, from its beginning to its end. */
export function watchTask({ client }: RunningServer, taskId: TaskId): Watched {
  const stopped = new AbortController();
  const frames: ViewerFrame[] = [];
  async function watch(): Promise<void> {
    for await (const frame of followLog(client, { taskId, signal: stopped.signal, validate: true })) frames.push(frame);
  }
  const done = watch().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  return { frames, bytesOf: (phase) => joinFrames(frames, phase), done, stop: () => stopped.abort() };
}

/** The bytes that frames of one phase carry, first attempt first. */
export function joinFrames(frames: readonly ViewerFrame[], phase: Phase): Buffer {
  const next = new Map<string, number>();
  const chunks: Buffer[] = [];
  for (const frame of frames) {
    if (frame.type !== 'bytes' || frame.stream.phase !== phase) continue;
    const bytes = Buffer.from(frame.content_base64, 'base64');
    const expected = next.get(frame.stream.attempt_id) ?? 0;
    if (frame.offset !== expected || frame.next_offset !== frame.offset + bytes.length)
      throw new Error(`After byte ${expected} came a frame from ${frame.offset} to ${frame.next_offset}.`);
    next.set(frame.stream.attempt_id, frame.next_offset);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
