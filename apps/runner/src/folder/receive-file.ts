import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What came is not what was sent; fetching it again helps. */
export class DamagedDownload extends Error {
  override name = 'DamagedDownload';
}

/**
 * Writes a body to a file. Not on disk for sure, and not atomic: for what can be fetched again.
 * @param checksum SHA-256 that the bytes must have, where the sender tells it
 * @throws DamagedDownload when they do not; there is no file then.
 */
export async function receiveFile(
  body: AsyncIterable<Uint8Array>,
  path: string,
  checksum?: string,
): Promise<{ size: number; checksum: string }> {
  const hash = createHash('sha256');
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(Readable.from(body), measure, createWriteStream(path, { mode: 0o600 }));
  const arrived = hash.digest('hex');
  if (checksum === undefined || arrived === checksum) return { size, checksum: arrived };
  await rm(path, { force: true });
  throw new DamagedDownload('What the server sent arrived damaged.');
}
