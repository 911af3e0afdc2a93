/** What the server knows of a state without keeping it in memory. */
export interface StateHeader {
  lineage: string;
  serial: number;
  terraformVersion: string | null;
  /** Instances of all resources, data sources included. */
  resourceCount: number;
  /** Sensitive values are null. Empty when the outputs were too large to keep beside the version. */
  outputs: Record<string, { value: unknown; type: unknown; sensitive: boolean }>;
  /** Where the serial's digits stand, so that a copy can be given another one without touching anything else. */
  serialRange: { from: number; to: number };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const OBJECT = 0x7b;
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** Values of the top level that are kept; everything else only passes by. */
const KEPT = new Set(['version', 'terraform_version', 'serial', 'lineage', 'outputs']);
const KEPT_BYTES = 4 * 1024 * 1024;
const LONGEST_KEY = 64;

/**
 * Reads a state's header from bytes as they stream past (a chain of 1,000 resources has a state of 18 MB, and 64 MB must work).
 * It follows strings and nesting only as far as it takes to know the keys of the top level; `end` gives the header, or a
 * sentence that says why this is no state.
 */
export function createStateScanner() {
  const scan: Scan = {
    at: 0,
    depth: 0,
    inString: false,
    escaped: false,
    key: undefined,
    wantKey: false,
    text: undefined,
    resources: 0,
    broken: undefined,
    values: new Map(),
  };
  return { push: (chunk: Buffer): void => push(scan, chunk), end: () => end(scan) };
}

interface KeptValue {
  bytes: Buffer[];
  size: number;
  from: number;
}

/** Where the scanner is. */
interface Scan {
  /** Bytes before the present chunk. */
  at: number;
  depth: number;
  inString: boolean;
  escaped: boolean;
  /** The key of the top level whose value passes by. */
  key: string | undefined;
  wantKey: boolean;
  /** Bytes of the key that is being read. */
  text: number[] | undefined;
  resources: number;
  broken: string | undefined;
  values: Map<string, KeptValue>;
}

function push(scan: Scan, chunk: Buffer): void {
  let start = 0;
  for (let i = 0; i < chunk.length && scan.broken === undefined; ) {
    if (scan.inString) i = passString(scan, chunk, i);
    else if (chunk[i] === QUOTE) i = beginString(scan, i);
    else {
      if (structure(scan, chunk, start, i)) start = i + 1;
      i += 1;
    }
  }
  keep(scan, chunk.subarray(start));
  scan.at += chunk.length;
}

/** A byte outside strings. True when what is kept begins anew behind it. */
function structure(scan: Scan, chunk: Buffer, start: number, i: number): boolean {
  const byte = chunk[i] as number;
  if (scan.depth !== 1) {
    nest(scan, byte);
    return false;
  }
  if (byte === COLON) return beginValue(scan, scan.at + i + 1);
  const ends = byte === COMMA || CLOSE.has(byte);
  if (ends) keep(scan, chunk.subarray(start, i));
  if (byte === COMMA) {
    scan.key = undefined;
    scan.wantKey = true;
  } else nest(scan, byte);
  return ends;
}

/** A bracket opens or closes. */
function nest(scan: Scan, byte: number): void {
  if (OPEN.has(byte)) open(scan, byte);
  else if (CLOSE.has(byte)) {
    scan.depth -= 1;
    if (scan.depth === 0) scan.key = undefined;
  } else if (scan.depth === 0 && !SPACE.has(byte)) scan.broken = 'it does not begin with "{"';
}

function open(scan: Scan, byte: number): void {
  // The objects in a resource's own lists are its instances: what Terraform's words count, 1,000 for a count of 1,000.
  if (scan.depth === 4 && scan.key === 'resources' && byte === OBJECT) scan.resources += 1;
  scan.depth += 1;
  if (scan.depth === 1) scan.wantKey = byte === OBJECT;
}

/** The first value of a key counts, as in most readers the last does; two of them do not come from Terraform. */
function beginValue({ key, values }: Scan, from: number): boolean {
  if (key === undefined || !KEPT.has(key) || values.has(key)) return false;
  values.set(key, { bytes: [], size: 0, from });
  return true;
}

function keep({ depth, key, values, broken }: Scan, bytes: Buffer): void {
  const value = key === undefined || depth === 0 || broken !== undefined ? undefined : values.get(key);
  if (value === undefined) return;
  value.size += bytes.length;
  if (value.size <= KEPT_BYTES) value.bytes.push(Buffer.from(bytes));
}

function beginString(scan: Scan, i: number): number {
  scan.inString = true;
  scan.text = scan.depth === 1 && scan.wantKey ? [] : undefined;
  return i + 1;
}

/** From inside a string to behind its end, or to the end of the chunk. */
function passString(scan: Scan, chunk: Buffer, from: number): number {
  let i = from;
  while (i < chunk.length) {
    const byte = chunk[i] as number;
    if (byte === QUOTE && !scan.escaped) return endString(scan, i + 1);
    scan.escaped = !scan.escaped && byte === BACKSLASH;
    scan.text?.push(byte);
    // Outside keys nothing of a string matters but where it ends.
    i = scan.text === undefined && !scan.escaped ? nextSpecial(chunk, i + 1) : i + 1;
  }
  return chunk.length;
}

function endString(scan: Scan, behind: number): number {
  scan.inString = false;
  if (scan.text !== undefined) {
    scan.key = scan.text.length > LONGEST_KEY ? undefined : Buffer.from(scan.text).toString('utf8');
    scan.wantKey = false;
    scan.text = undefined;
  }
  return behind;
}

function end({ at, depth, inString, broken, values, resources }: Scan): { header: StateHeader } | { mistake: string } {
  const ended = depth === 0 && !inString;
  const why = broken ?? (at === 0 ? 'it is empty' : ended ? undefined : 'it ends too early');
  if (why !== undefined)
    return { mistake: `The bytes are not a Terraform state: ${why}. Push what "terraform state pull" prints.` };
  return readHeader((name) => parseValue(values.get(name)), values.get('serial'), resources);
}

/** The next quote or backslash, found by the runtime's own search, which is far quicker than a loop over long strings. */
function nextSpecial(chunk: Buffer, from: number): number {
  const quote = chunk.indexOf(QUOTE, from);
  const limit = quote < 0 ? chunk.length : quote;
  const slash = chunk.subarray(from, limit).indexOf(BACKSLASH);
  return slash < 0 ? limit : from + slash;
}

function parseValue(value: KeptValue | undefined): unknown {
  if (value === undefined || value.size > KEPT_BYTES) return undefined;
  try {
    return JSON.parse(Buffer.concat(value.bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function readHeader(
  value: (name: string) => unknown,
  serialAt: KeptValue | undefined,
  resourceCount: number,
): { header: StateHeader } | { mistake: string } {
  const version = value('version');
  if (version !== 4)
    return {
      mistake: `The bytes are not a Terraform state that can be read: its "version" is ${describeVersion(version)}, and 4 is what Terraform 0.12 and newer write.`,
    };
  const [serial, lineage] = [value('serial'), value('lineage')];
  if (typeof serial !== 'number' || !Number.isSafeInteger(serial) || serial < 0 || serialAt === undefined)
    return { mistake: 'The state has no usable "serial"; push what "terraform state pull" prints.' };
  if (typeof lineage !== 'string' || lineage.length === 0 || lineage.length > 128)
    return { mistake: 'The state has no usable "lineage"; push what "terraform state pull" prints.' };
  const terraformVersion = value('terraform_version');
  return {
    header: {
      lineage,
      serial,
      terraformVersion: typeof terraformVersion === 'string' ? terraformVersion.slice(0, 64) : null,
      resourceCount,
      outputs: presentOutputs(value('outputs')),
      serialRange: digitsOf(serialAt),
    },
  };
}

/** A text there may be anything, a secret too, and is not told back. */
function describeVersion(version: unknown): string {
  if (typeof version === 'number') return String(version);
  return version === undefined ? 'missing' : 'no number';
}

/** The digits without the white space around them. */
function digitsOf({ bytes, from }: KeptValue) {
  const raw = Buffer.concat(bytes).toString('latin1');
  const lead = raw.length - raw.trimStart().length;
  return { from: from + lead, to: from + lead + raw.trim().length };
}

function presentOutputs(outputs: unknown): StateHeader['outputs'] {
  if (typeof outputs !== 'object' || outputs === null) return {};
  return Object.fromEntries(
    Object.entries(outputs as Record<string, { value?: unknown; type?: unknown; sensitive?: boolean }>).map(
      ([name, output]) => {
        const sensitive = output?.sensitive === true;
        return [name, { value: sensitive ? null : (output?.value ?? null), type: output?.type ?? null, sensitive }];
      },
    ),
  );
}

/** The same bytes with another serial. */
export async function* withSerial(
  bytes: AsyncIterable<Buffer>,
  range: StateHeader['serialRange'],
  serial: number,
): AsyncGenerator<Buffer> {
  let at = 0;
  let written = false;
  for await (const chunk of bytes) {
    const from = Math.max(0, Math.min(chunk.length, range.from - at));
    const to = Math.max(0, Math.min(chunk.length, range.to - at));
    if (to > from) {
      yield chunk.subarray(0, from);
      if (!written) yield Buffer.from(String(serial));
      written = true;
      yield chunk.subarray(to);
    } else yield chunk;
    at += chunk.length;
  }
}
