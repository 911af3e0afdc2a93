import { randomBytes } from 'node:crypto';

/** A secret that is planted, to be looked for afterwards. */
export interface Canary {
  /** Where it was planted. */
  name: string;
  value: string;
}

/** One way of writing a canary down, as bytes to look for. */
export interface Form {
  form: string;
  bytes: Buffer;
}

const word = (): string => randomBytes(9).toString('base64').replaceAll(/[+/=]/g, 'k');

/** A value whose spellings all differ: quotes, spaces, an umlaut, a percent sign, what HTML and Go escape. */
export const newCanary = (name: string): Canary => ({ name, value: `Cn${word()} "q" ä&<${word()}>%/+ ${word()}` });

/** One that may be anywhere, such as a token. */
export const newToken = (name: string): Canary => ({ name, value: `cn${randomBytes(24).toString('hex')}` });

/** Every form in which it would be a leak, a part of it included. */
export function formsOf({ value }: Canary): Form[] {
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(value);
  const texts: Record<string, string[]> = {
    plain: [value],
    json: [json, escapeForHtml(json), escapeNonAscii(json), escapeNonAscii(escapeForHtml(json))],
    url: [url, url.replaceAll('%20', '+'), url.replaceAll(/%../g, (octet) => octet.toLowerCase())],
    // A leak that was cut, wrapped or escaped in some other way still has these.
    part: value.match(/[A-Za-z0-9]{10,}/g) ?? [],
    line: value.split('\n'),
    ...Object.fromEntries([0, 1, 2].map((shift) => [`base64+${shift}`, base64Cores(value, shift)])),
    hex: [Buffer.from(value).toString('hex'), Buffer.from(value).toString('hex').toUpperCase()],
  };
  return Object.entries(texts).flatMap(([form, spellings]) =>
    [...new Set(spellings)].map((text) => ({ form, bytes: Buffer.from(text) })),
  );
}

/** As Go writes JSON unless told otherwise, which is how Terraform does. */
const escapeForHtml = (json: string): string =>
  json.replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');

const escapeNonAscii = (json: string): string =>
  json.replaceAll(/[^\u0020-\u007e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The characters of a base64 text that only the value decides, when `shift` bytes stand before it; in both alphabets. */
function base64Cores(value: string, shift: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(shift, 'x'), Buffer.from(value)]);
  const from = shift === 0 ? 0 : shift + 1;
  const core = bytes.toString('base64').slice(from, Math.floor((bytes.length * 8) / 6));
  return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
}
