/** Channel and id, one after the other, after the id of the replica they come from. */
type WakeUpMessage = [replica: string, ...channelsAndIds: string[]];

/** PostgreSQL refuses a NOTIFY payload of 8,000 bytes or more. */
const MAX_PAYLOAD_BYTES = 7_900;

/** Packs wake-ups into as few NOTIFY payloads as possible. Pure. */
export function packWakeUps(replica: string, wakeUps: Iterable<readonly [channel: string, id: string]>): string[] {
  const payloads: string[] = [];
  let message: WakeUpMessage = [replica];
  let bytes = 0;
  for (const wakeUp of wakeUps) {
    // A comma more than this list's own brackets and comma take.
    const more = Buffer.byteLength(JSON.stringify(wakeUp));
    if (message.length > 1 && bytes + more > MAX_PAYLOAD_BYTES) {
      payloads.push(JSON.stringify(message));
      message = [replica];
    }
    if (message.length === 1) bytes = Buffer.byteLength(JSON.stringify(message));
    message.push(...wakeUp);
    bytes += more;
  }
  if (message.length > 1) payloads.push(JSON.stringify(message));
  return payloads;
}

/** The wake-ups of a payload that another replica sent; none of our own, and none of what is not ours to read. */
export function unpackWakeUps(payload: string, ownReplica: string): [channel: string, id: string][] {
  const message = parse(payload);
  if (message === undefined || message[0] === ownReplica) return [];
  const [, ...rest] = message;
  return rest.flatMap((channel, index) =>
    index % 2 === 0 ? [[channel, rest[index + 1] ?? ''] as [string, string]] : [],
  );
}

function parse(payload: string): WakeUpMessage | undefined {
  try {
    const value: unknown = JSON.parse(payload);
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? (value as WakeUpMessage)
      : undefined;
  } catch {
    return undefined;
  }
}
