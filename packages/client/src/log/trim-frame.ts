import type { ViewerFrame } from '@groundcrew/protocol';

/** The frame without the bytes before `next`; undefined when its bytes cannot be cut, as those of a gap's marker. */
export function trimBytes(frame: ViewerFrame & { type: 'bytes' }, next: number): ViewerFrame | undefined {
  const bytes = atob(frame.content_base64);
  if (bytes.length !== frame.next_offset - frame.offset) return undefined;
  return { ...frame, offset: next, content_base64: btoa(bytes.slice(next - frame.offset)) };
}

/** The frame without the lines that start before `next`. */
export function trimLines(frame: ViewerFrame & { type: 'lines' }, next: number): ViewerFrame | undefined {
  const lines = frame.lines.filter((line) => line.offset >= next);
  return lines.length === 0 ? undefined : { ...frame, offset: next, lines };
}
