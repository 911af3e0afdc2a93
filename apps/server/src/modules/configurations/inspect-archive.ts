import { once } from 'node:events';
import { pipeline, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ARCHIVE_LIMITS, findArchiveMistake } from '@groundcrew/protocol';
import { extract } from 'tar-stream';
import { AppError } from '../../platform/http/index.ts';
import { createEntryChecker } from './entry-checker.ts';

/** What headers, padding and long names may add to the files of an archive. */
const OVERHEAD_BYTES = 64 * 1024 * 1024;

/**
 * Passes a `.tar.gz` on as it comes and looks into it on the way, in constant memory whatever it unpacks to. Ends with an error
 * (`invalid_archive`) as soon as something in it is not accepted, so that whoever stores the bytes keeps nothing.
 *
 * @param onFiles told the number of regular files, once all is well
 */
export async function* inspectArchive(
  source: AsyncIterable<Uint8Array>,
  onFiles: (files: number) => void,
): AsyncGenerator<Uint8Array> {
  const inspection = createInspection();
  try {
    for await (const chunk of source) {
      await inspection.write(chunk);
      yield chunk;
    }
    onFiles(await inspection.end());
  } finally {
    inspection.abandon();
  }
}

function createInspection() {
  const checker = createEntryChecker();
  const gunzip = createGunzip();
  const tar = extract();
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // Whoever writes or ends looks at it; until then nobody does.
  done.catch(() => {});

  tar.on('entry', ({ name, type, size }, content, next) => {
    // What fails the archive fails the entry at hand too; unheard there, it would end the process.
    content.on('error', () => {});
    const mistake = checker.findMistake({ name, type: type ?? 'special entry', size: size ?? 0 });
    if (mistake !== undefined) return next(new AppError('invalid_archive', mistake));
    content.on('end', () => next());
    content.resume();
  });
  pipeline(gunzip, limitUnpacked(), tar, (error) => (error ? reject(toSentence(error)) : resolve()));

  return {
    async write(chunk: Uint8Array): Promise<void> {
      if (gunzip.destroyed) return done;
      // What ends the wait with an error is told by `done`, in our words.
      if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain').catch(() => done), done]);
    },
    async end(): Promise<number> {
      gunzip.end();
      await done;
      if (checker.files === 0)
        throw new AppError('invalid_archive', 'The archive holds no file; pack the folder that has the .tf files.');
      return checker.files;
    },
    abandon: (): void => void gunzip.destroy(),
  };
}

/** A few kilobytes can unpack to gigabytes. */
function limitUnpacked(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= ARCHIVE_LIMITS.maxTotalBytes + OVERHEAD_BYTES) return done(null, chunk);
      return done(
        new AppError('invalid_archive', findArchiveMistake({ entries: 0, bytes }) ?? 'The archive is too large.'),
      );
    },
  });
}

function toSentence(error: NodeJS.ErrnoException): AppError {
  if (error instanceof AppError) return error;
  const why = error.code?.startsWith('Z_') ? 'it is not whole gzip data' : 'what is in it is not a whole tar archive';
  return new AppError(
    'invalid_archive',
    `The upload is no .tar.gz: ${why}. Pack the folder with "tar -czf" and send it again.`,
    undefined,
    { cause: error },
  );
}
