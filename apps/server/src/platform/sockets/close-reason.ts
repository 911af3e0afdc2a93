/** Bytes that a close frame has room for beside its code (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

/** A sentence cut to what a close frame can carry, never in the middle of a character. */
export function toCloseReason(sentence: string): string {
  if (Buffer.byteLength(sentence) <= MAX_REASON_BYTES) return sentence;
  const cut = Buffer.from(sentence).subarray(0, MAX_REASON_BYTES - 3);
  return `${new TextDecoder().decode(cut, { stream: true })}…`;
}
