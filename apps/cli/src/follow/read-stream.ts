import type { Client } from '@groundcrew/client';
import type { LogStreamInfo, Phase } from '@groundcrew/protocol';

/** Bytes of one read; the most that the route gives. */
const PART_BYTES = 1_048_576;

/** The streams to show: those asked for, of every phase the newest attempt's unless one was named. */
export function pickStreams(streams: readonly LogStreamInfo[], phase?: Phase, attempt?: number): LogStreamInfo[] {
  const wanted = streams.filter(
    (stream) => (phase ?? stream.phase) === stream.phase && (attempt ?? stream.attempt) === stream.attempt,
  );
  const newest = (of: Phase) =>
    wanted.filter((stream) => stream.phase === of).toSorted((a, b) => b.attempt - a.attempt)[0];
  return [newest('plan'), newest('apply')].filter((stream) => stream !== undefined);
}

/** The stored bytes of a stream from an offset on. */
export async function* readStream(client: Client, stream: LogStreamInfo, from: number): AsyncGenerator<Buffer> {
  const { task_id, phase, attempt } = stream;
  for (let offset = from; ; ) {
    const query = { phase, attempt, offset, limit: PART_BYTES };
    const part = await client.call('readLog', { params: { task_id }, query });
    yield Buffer.from(part.content_base64, 'base64');
    if (part.next_offset <= offset || part.next_offset >= part.length) return;
    offset = part.next_offset;
  }
}
