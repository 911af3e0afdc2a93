import type { AppendAnswer } from './ports.ts';

/** What the server's answer means for the stream. */
export type Verdict =
  /** The server has everything before `to`; `differs` when its bytes are not ours. */
  | { readonly kind: 'advance'; readonly to: number; readonly differs: boolean }
  /** The server has less than it once acknowledged: go back to `to`. */
  | { readonly kind: 'rewind'; readonly to: number }
  /** The same again, later. */
  | { readonly kind: 'again'; readonly reason: string; readonly retryAfterMs: number };

/** Judges the answer to a chunk at `offset`. Whatever is said, the stream never moves without cause. */
export function settleAnswer(answer: AppendAnswer, offset: number): Verdict {
  if (answer.kind === 'damaged') return again('the bytes were damaged on the way');
  if (answer.kind === 'refused') return again(answer.sentence, answer.retryAfterMs);
  const stored = answer.kind === 'saved' ? answer.nextOffset : answer.storedLength;
  if (!Number.isSafeInteger(stored) || stored < 0) return again(`the server says that it has ${stored} bytes`);
  if (stored < offset) return { kind: 'rewind', to: stored };
  if (stored === offset) return again('the server stored nothing of it');
  return { kind: 'advance', to: stored, differs: answer.kind === 'mismatch' };
}

function again(reason: string, retryAfterMs = 0): Verdict {
  return { kind: 'again', reason, retryAfterMs };
}
