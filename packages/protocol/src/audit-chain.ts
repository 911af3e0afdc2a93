import type { AuditGap, AuditHead, AuditLine, AuditVerdict } from './audit.ts';

/** What the first entry of a chain follows. */
export const CHAIN_START = '0'.repeat(64);

/**
 * The one way to write a JSON value down: RFC 8785 (no spaces, keys sorted by UTF-16 code units, numbers as ECMAScript writes
 * them). What is hashed and signed is this text in UTF-8.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

/** What an entry's hash is taken over: the line without what it is called and without the hash. It holds the hash before it. */
export function hashedText(entry: object): string {
  const { line: _line, hash: _hash, ...rest } = entry as Record<string, unknown>;
  return canonicalJson(rest);
}

/** What a head's or a gap's signature is made over. */
export function signedText(record: AuditHead | AuditGap): string {
  const { line: _line, signature: _signature, ...rest } = record as Record<string, unknown> & typeof record;
  return canonicalJson(rest);
}

export interface ChainCheckOptions {
  /** SHA-256 in lower-case hex. */
  sha256: (text: string) => string;
  /** Whether this is the key's Ed25519 signature of the text. */
  isSigned: (text: string, signature: string, publicKey: string) => boolean;
  /** A head that was kept: the chain must still hold it. */
  anchor?: { position: number; hash: string } | undefined;
  /** The server's key as it was kept; when not given, the one that the export itself names, which proves less. */
  publicKey?: string | undefined;
}

type Problem = NonNullable<AuditVerdict['problem']>;
type Line<L extends AuditLine['line']> = Extract<AuditLine, { line: L }>;

const problemAt = (message: string, position: number | null = null, seq: number | null = null): Problem => ({
  position,
  seq,
  message,
});

/**
 * Follows an export line by line and finds the first one that does not fit. One check per export; it keeps nothing but the last
 * hash, so a log of any length fits through. Stops looking at the first problem: what comes after it proves nothing.
 */
export function createChainCheck(options: ChainCheckOptions) {
  const { sha256, isSigned, anchor } = options;
  let organizationId: string | null = null;
  let publicKey = '';
  let start = 0;
  let position = 0;
  let hash = CHAIN_START;
  let entries = 0;
  let removed = 0;
  let anchorSeen = false;
  let ended = false;
  let problem: Problem | undefined;

  function step(to: number, next: string): Problem | undefined {
    position = to;
    hash = next;
    if (anchor?.position !== to) return undefined;
    anchorSeen = true;
    if (anchor.hash === next) return undefined;
    return problemAt(`Entry ${to} has another hash than the anchor that was kept: the log was rewritten.`, to);
  }

  function begin(line: Line<'start'>): Problem | undefined {
    if (organizationId !== null) return problemAt('The export begins twice.');
    organizationId = line.organization_id;
    publicKey = options.publicKey ?? line.public_key;
    start = line.after.position;
    if (publicKey !== line.public_key)
      return problemAt('The export names another signing key than the one that was kept: another server made it.');
    if (start === 0 && line.after.hash !== CHAIN_START) return problemAt('The chain does not begin at its beginning.');
    return step(start, line.after.hash);
  }

  function follow(at: number, previous: string, seq: number | null): Problem | undefined {
    if (at > position + 1)
      return problemAt(`Entry ${position + 1} is missing: the log goes on with ${at}.`, position + 1);
    if (at <= position) return problemAt(`Entry ${at} comes a second time or out of its order.`, at, seq);
    if (previous !== hash) return problemAt(`Entry ${at} does not follow entry ${position}.`, at, seq);
    return undefined;
  }

  function checkEntry(line: Line<'entry'>): Problem | undefined {
    const { position: at, seq } = line;
    if (line.organization_id !== organizationId)
      return problemAt(`Entry ${at} belongs to organisation ${line.organization_id}.`, at, seq);
    const misfit = follow(at, line.previous, seq);
    if (misfit !== undefined) return misfit;
    if (line.at === undefined) return problemAt(`Entry ${at} was removed; only its hash is left.`, at, seq);
    if (sha256(hashedText(line)) !== line.hash)
      return problemAt(`Entry ${at} (${line.action}, ${line.at}) was altered.`, at, seq);
    entries += 1;
    return step(at, line.hash);
  }

  function checkGap(line: Line<'gap'>): Problem | undefined {
    const { from_position: from, to_position: to } = line;
    const misfit = follow(from, line.previous, null);
    if (misfit !== undefined) return misfit;
    if (line.organization_id !== organizationId || !isSigned(signedText(line), line.signature, publicKey))
      return problemAt(`The record of the removed entries ${from} to ${to} is not signed by the server.`, from);
    removed += to - from + 1;
    // An anchor inside the gap has nothing left to be compared with; the signed record stands for it.
    if (anchor !== undefined && anchor.position >= from && anchor.position < to) anchorSeen = true;
    return step(to, line.hash);
  }

  function checkHead(line: Line<'head'>): Problem | undefined {
    ended = true;
    const at = line.position;
    if (at > position)
      return problemAt(
        `The log was cut off: it ends with entry ${position}, and its head stands at ${at}.`,
        position + 1,
      );
    if (at < position || line.hash !== hash)
      return problemAt(`The head at ${at} is not the one of this chain, which ends at ${position}.`, at);
    const isOurs = line.organization_id === organizationId && isSigned(signedText(line), line.signature, publicKey);
    return isOurs ? undefined : problemAt(`The head at ${at} is not signed by the server.`, at);
  }

  function check(line: AuditLine): Problem | undefined {
    if (line.line === 'start') return begin(line);
    if (organizationId === null || ended)
      return problemAt('The file is no whole export: a start line comes first, the head last.');
    if (line.line === 'entry') return checkEntry(line);
    if (line.line === 'gap') return checkGap(line);
    if (line.line === 'head') return checkHead(line);
    return problemAt(
      `Row ${line.seq} (${line.action}, ${line.at}) is not part of the chain: ${line.why}`,
      null,
      line.seq,
    );
  }

  function findLackAtEnd(): Problem | undefined {
    if (!ended) return problemAt('The export was cut off: its last line must be the head.', position + 1);
    if (anchor === undefined || anchorSeen) return undefined;
    if (anchor.position < start)
      return problemAt(`The anchor at ${anchor.position} lies before this export, which begins after ${start}.`);
    return problemAt(
      `The log was cut off: the anchor knows entry ${anchor.position}, and the log ends at ${position}.`,
      position + 1,
    );
  }

  return {
    /** The next line of the export. */
    take(line: AuditLine): void {
      problem ??= check(line);
    },
    /** What stands in the place of a line is none. */
    takeGarbage(number: number): void {
      problem ??= problemAt(
        `Line ${number} is no line of an export; what stands before it fits up to entry ${position}.`,
        position + 1,
      );
    },
    /** What came of it, once the export is at its end. */
    end(): AuditVerdict {
      problem ??= findLackAtEnd();
      const reached = { organization_id: organizationId, entries, removed, position, hash };
      return { intact: problem === undefined, ...reached, problem: problem ?? null };
    },
  };
}
export type ChainCheck = ReturnType<typeof createChainCheck>;
