import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitChunks } from './split-chunks.ts';

async function* stream(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

test('chunks have the given size but the last, and together are what came, however it came', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 40 }),
      async (pieces, size) => {
        const chunks: Buffer[] = [];
        for await (const chunk of splitChunks(stream(pieces), size)) chunks.push(chunk);
        expect(Buffer.concat(chunks)).toEqual(Buffer.concat(pieces));
        expect(chunks.slice(0, -1).every((chunk) => chunk.length === size)).toBe(true);
        expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= size)).toBe(true);
      },
    ),
  );
});
