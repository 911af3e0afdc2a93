import type { Phase } from '@groundcrew/protocol';
import type { StoredStream, StreamKey } from './log-stream.ts';

/** What a viewer asked for; without a phase the whole task is followed. */
export interface StreamQuery {
  phase?: Phase | undefined;
  attempt?: number | undefined;
}

export const nameOf = (stream: StreamKey): string => `${stream.attemptId}/${stream.phase}`;

/** The stream to show next: the one asked for, else the newest attempt's plan and then whatever comes after what was shown. */
export function pickStream(
  streams: readonly StoredStream[],
  { phase, attempt }: StreamQuery,
  shown: ReadonlySet<string>,
): StoredStream | undefined {
  const wanted = streams.filter((s) => (phase ?? s.phase) === s.phase && (attempt ?? s.attempt) === s.attempt);
  if (shown.size > 0) {
    if (phase !== undefined) return undefined;
    return wanted[wanted.findLastIndex((s) => shown.has(nameOf(s))) + 1];
  }
  if (phase !== undefined) return wanted.at(-1);
  return wanted.findLast((s) => s.phase === 'plan') ?? wanted[0];
}
