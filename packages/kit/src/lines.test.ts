import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { onLine } from './lines.ts';

test('gives whole lines, wherever the pieces were cut', async () => {
  const bytes = Buffer.from('{"a":"ä"}\n\n{"b":2}\nbroken o');
  for (let size = 1; size <= bytes.length; size += 1) {
    const stream = new PassThrough();
    const lines: string[] = [];
    onLine(stream, (line) => lines.push(line));
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    stream.end();
    await new Promise((resolve) => stream.once('end', resolve));
    expect(lines).toEqual(['{"a":"ä"}', '', '{"b":2}']);
  }
});
