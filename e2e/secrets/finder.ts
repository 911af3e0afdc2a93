import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Canary, formsOf } from './canaries.ts';

/** Something that was looked through: an answer, a file, a column of a table, a process's environment. */
export interface Place {
  name: string;
  bytes: Buffer;
}

/** A canary where it was found. */
export interface Finding {
  place: string;
  canary: string;
  form: string;
}

export const placeOf = (name: string, content: string | Uint8Array): Place => ({ name, bytes: Buffer.from(content) });

/** Tokens of ours by their looks, whoever has made them, and signed ones. */
const SHAPES: readonly [name: string, shape: RegExp][] = [
  ['a token', /\b(?:gct|gcs|agt|apt|gca|att)_[A-Za-z0-9_-]{40,}/],
  ['a signed token', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
];

/** These have the parts of a canary in them, so that who has looked for the parts has looked for them. */
const HAVE_PARTS = new Set(['plain', 'json', 'url', 'line']);

/** Looks for canaries in all their forms, also in what is compressed. */
export function createFinder(canaries: readonly Canary[]) {
  const wanted = canaries.map((canary) => {
    const forms = formsOf(canary);
    return { name: canary.name, forms, telling: forms.filter(({ form }) => !HAVE_PARTS.has(form)) };
  });

  function search({ name, bytes }: Place): Finding[] {
    return layersOf(bytes).flatMap((layer) => [
      ...wanted
        .filter(({ telling }) => telling.some((form) => layer.includes(form.bytes)))
        .flatMap((canary) =>
          canary.forms
            .filter((form) => layer.includes(form.bytes))
            .map(({ form }) => ({ place: name, canary: canary.name, form })),
        ),
      ...SHAPES.filter(([, shape]) => shape.test(layer.toString('latin1'))).map(([canary]) => ({
        place: name,
        canary,
        form: 'shape',
      })),
    ]);
  }
  return { search: (places: readonly Place[]): Finding[] => unique(places.flatMap(search)) };
}

const unique = (findings: readonly Finding[]): Finding[] => [
  ...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values(),
];

const GZIP = Buffer.from([0x1f, 0x8b, 0x08]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** The bytes as they are, what they unpack to, and the texts inside of JSON as whoever reads it gets them. */
function layersOf(whole: Buffer): Buffer[] {
  const bytes = withoutZeros(whole);
  const unpacked = unpack(whole);
  return [bytes, ...unpacked, ...[bytes, ...unpacked].flatMap(textsInJson)];
}

function unpack(bytes: Buffer): Buffer[] {
  try {
    if (bytes.subarray(0, 3).equals(GZIP)) return [gunzipSync(bytes)];
    if (bytes.subarray(0, 4).equals(ZSTD)) return [zstdDecompressSync(bytes)];
  } catch {
    // It only looked like it.
  }
  return [];
}

/** Of a JSON document, or of lines that each are one. */
function textsInJson(bytes: Buffer): Buffer[] {
  const documents = bytes
    .toString()
    .split('\n')
    .filter((line) => /^[[{]/.test(line));
  const texts = documents.flatMap((line) => {
    try {
      return leavesOf(JSON.parse(line));
    } catch {
      return [];
    }
  });
  return texts.length === 0 ? [] : [Buffer.from(texts.join('\n'))];
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}

/** Files that are written over again and again are long before anything stands in them. */
function withoutZeros(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}
