/** Cuts a stream of pieces of any size into chunks of exactly `size` bytes, the last one of what is left. */
export async function* splitChunks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  for await (const piece of source) {
    let rest = piece;
    while (held + rest.length >= size) {
      const chunk = Buffer.concat([...pieces, rest.subarray(0, size - held)], size);
      rest = rest.subarray(size - held);
      pieces = [];
      held = 0;
      yield chunk;
    }
    if (rest.length > 0) pieces.push(rest);
    held += rest.length;
  }
  if (held > 0) yield Buffer.concat(pieces, held);
}
