import type { Readable } from 'node:stream';

/** Calls back for every whole line of a stream, without its end. What a stream breaks off within a line is dropped. */
export function onLine(stream: Readable, listener: (line: string) => void): void {
  let begun = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${begun}${text}`.split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) listener(line);
  });
}
