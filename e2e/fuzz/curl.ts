import type { WireRequest } from './send.ts';

/** A request as a command that a person can repeat; whose credential it was is left to them. */
export function toCurl(url: string, { method, path, headers, body }: WireRequest): string {
  const shown = Object.entries(headers)
    .filter(([name]) => name !== 'content-length')
    .map(
      ([name, value]) =>
        `-H ${quote(`${name}: ${name === 'authorization' ? 'Bearer $TOKEN' : value}`, name === 'authorization')}`,
    );
  const pipe = body === undefined ? '' : `printf '%s' ${quote(showBytes(body))} | base64 -d | `;
  const data = body === undefined ? [] : ['--data-binary @-'];
  return `${pipe}curl -i --path-as-is -X ${method} ${[...shown, ...data, quote(url + path)].join(' ')}`;
}

/** More than this is not printed: the seed brings it back. */
const MAX_SHOWN = 6_000;
function showBytes(body: Buffer): string {
  const text = body.toString('base64');
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…(${body.length} bytes in all)`;
}

/** `open` lets the shell put a variable in. */
const quote = (text: string, open = false): string => (open ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`);
