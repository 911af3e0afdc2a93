import { ApiError, type Client } from '@groundcrew/client';
import { LogChunkAnswer, OffsetMismatch, type TaskId } from '@groundcrew/protocol';
import type { AppendAnswer, AppendLog } from '../spool/index.ts';

const TIMEOUT_MS = 30_000;

/** Brings chunks of the log to the server over the attempt's client. One try each: the spool decides about the next. */
export function createAppendLog(client: Client, taskId: TaskId): AppendLog {
  return async ({ phase, offset, content, encoding, checksum, written_at }, signal) => {
    const headers = {
      'x-log-phase': phase,
      'x-log-offset': offset,
      'x-content-sha256': checksum,
      'x-log-written-at': written_at,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    };
    try {
      const call = { retry: 'never', timeoutMs: TIMEOUT_MS, headers, signal } as const;
      return savedAnswer(await client.call('appendLog', { params: { task_id: taskId }, raw: content }, call));
    } catch (error) {
      if (error instanceof ApiError) return refusedAnswer(error);
      throw error;
    }
  };
}

function savedAnswer(answer: unknown): AppendAnswer {
  const { next_offset: nextOffset, log_interval_ms: intervalMs } = LogChunkAnswer.parse(answer);
  return { kind: 'saved', nextOffset, ...(intervalMs === undefined ? {} : { intervalMs }) };
}

function refusedAnswer({ code, details, message, retryAfterMs }: ApiError): AppendAnswer {
  const mismatch = code === 'offset_mismatch' ? OffsetMismatch.safeParse(details) : undefined;
  if (mismatch?.success) return { kind: 'mismatch', storedLength: mismatch.data.next_offset };
  if (code === 'checksum_mismatch') return { kind: 'damaged' };
  return { kind: 'refused', sentence: message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
