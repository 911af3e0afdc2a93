/** What the server knows of a state without keeping it in memory. */
export interface StateHeader {
  lineage: string;
  serial: number;
  terraformVersion: string | null;
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

/**
 * Reads a state's header from bytes as they stream past (a chain of 1,000 resources has a state of 18 MB, and 64 MB must work).
 * It follows strings and nesting only as far as it takes to know the keys of the top level; `end` gives the header, or a
 * sentence that says why this is no state.
 */
export function createStateScanner() {
  let at = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let key: string | undefined;
  let wantKey = false;
  let text: number[] | undefined;
  let resources = 0;
  let broken: string | undefined;
  const values = new Map<string, { bytes: Buffer[]; size: number; from: number; to: number }>();

  const current = () => (key === undefined ? undefined : values.get(key));

  function beginValue(offset: number): void {
    if (key !== undefined && KEPT.has(key) && !values.has(key))
      values.set(key, { bytes: [], size: 0, from: offset, to: offset });
  }

  function keep(chunk: Buffer, from: number, to: number, base: number): void {
    const value = depth >= 1 ? current() : undefined;
    if (value === undefined || to <= from) return;
    value.to = base + to;
    value.size += to - from;
    if (value.size <= KEPT_BYTES) value.bytes.push(Buffer.from(chunk.subarray(from, to)));
  }

  /** One byte outside strings. `i` is its place in the chunk. */
  function structure(byte: number, offset: number): void {
    if (depth === 1 && byte === COMMA) {
      key = undefined;
      wantKey = true;
    } else if (depth === 1 && byte === COLON && key !== undefined && !values.has(key)) {
      beginValue(offset + 1);
    } else if (OPEN.has(byte)) {
      if (depth === 2 && key === 'resources' && byte === OBJECT) resources += 1;
      depth += 1;
      if (depth === 1) wantKey = byte === OBJECT;
    } else if (CLOSE.has(byte)) {
      depth -= 1;
      if (depth === 0) key = undefined;
    } else if (depth === 0 && !SPACE.has(byte)) broken = 'it does not begin with "{"';
  }

  function push(chunk: Buffer): void {
    let start = 0;
    let i = 0;
    const base = at;
    while (i < chunk.length && broken === undefined) {
      const byte = chunk[i] as number;
      if (inString) {
        i = passString(chunk, i);
        continue;
      }
      if (byte === QUOTE) {
        inString = true;
        text = depth === 1 && wantKey ? [] : undefined;
        i += 1;
        continue;
      }
      const ends = depth === 1 && (byte === COMMA || CLOSE.has(byte));
      const begins = depth === 1 && byte === COLON && key !== undefined && !values.has(key);
      if (ends) keep(chunk, start, i, base);
      structure(byte, base + i);
      i += 1;
      if (ends || begins) start = i;
    }
    if (depth >= 1 && broken === undefined) keep(chunk, start, chunk.length, base);
    at += chunk.length;
  }

  /** From inside a string to behind its end, or to the end of the chunk. */
  function passString(chunk: Buffer, from: number): number {
    for (let i = from; i < chunk.length; i += 1) {
      const byte = chunk[i] as number;
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        inString = false;
        if (text !== undefined) {
          key = Buffer.from(text).toString('utf8');
          wantKey = false;
          text = undefined;
        }
        return i + 1;
      }
      if (text !== undefined && text.length < 64) text.push(byte);
      else if (text === undefined && !escaped) {
        const next = nextSpecial(chunk, i + 1);
        i = next - 1;
      }
    }
    return chunk.length;
  }

  function end(): { header: StateHeader } | { mistake: string } {
    if (broken === undefined && (depth !== 0 || inString || at === 0))
      broken = at === 0 ? 'it is empty' : 'it ends too early';
    if (broken !== undefined)
      return { mistake: `The bytes are not a Terraform state: ${broken}. Push what "terraform state pull" prints.` };
    return readHeader((name) => parseValue(values.get(name)), values.get('serial'), resources);
  }

  return { push, end };
}

/** The next quote or backslash, found by the runtime's own search, which is far quicker than a loop over long strings. */
function nextSpecial(chunk: Buffer, from: number): number {
  const quote = chunk.indexOf(QUOTE, from);
  const limit = quote < 0 ? chunk.length : quote;
  const slash = chunk.subarray(from, limit).indexOf(BACKSLASH);
  return slash < 0 ? limit : from + slash;
}

function parseValue(value: { bytes: Buffer[]; size: number } | undefined): unknown {
  if (value === undefined || value.size > KEPT_BYTES) return undefined;
  try {
    return JSON.parse(Buffer.concat(value.bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function readHeader(
  value: (name: string) => unknown,
  serialAt: { bytes: Buffer[]; from: number; to: number } | undefined,
  resourceCount: number,
): { header: StateHeader } | { mistake: string } {
  const version = value('version');
  if (version !== 4)
    return {
      mistake: `The bytes are not a Terraform state that can be read: its "version" is ${JSON.stringify(version) ?? 'missing'}, and 4 is what Terraform 0.12 and newer write.`,
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

/** The digits without the white space around them. */
function digitsOf({ bytes, from }: { bytes: Buffer[]; from: number }) {
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
    if (to > from || (from > 0 && from < chunk.length && range.from === range.to)) {
      yield chunk.subarray(0, from);
      if (!written) yield Buffer.from(String(serial));
      written = true;
      yield chunk.subarray(to);
    } else yield chunk;
    at += chunk.length;
  }
}
