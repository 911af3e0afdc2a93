import type { Logger } from '@groundcrew/kit';
import { type Database, transaction } from '../../platform/database/index.ts';
import type { Archive } from './archive.ts';
import type { Segment, StoredStream, StreamKey } from './log-stream.ts';
import * as store from './store.ts';

export interface ArchiverDeps {
  db: Database;
  archive: Archive;
  readSegments: (key: StreamKey, offset: number, bytes: number) => Promise<Segment[]>;
  logger: Logger;
}

const READ_BYTES = 4 * 1024 * 1024;
const AT_ONCE = 50;

/**
 * Moves finished logs from the database into the archive. The file is written and verified first; one transaction then names it
 * and removes the rows, so that a reader finds the bytes in one place or the other. Killed in between, the next round writes
 * the same file again.
 */
export function createArchiver({ db, archive, readSegments, logger }: ArchiverDeps) {
  async function* segmentsOf(stream: StoredStream): AsyncGenerator<Segment> {
    for (let offset = 0; offset < stream.length; ) {
      const segments = await readSegments(stream, offset, READ_BYTES);
      for (const segment of segments) {
        if (segment.offset !== offset) throw new Error(`The log lacks its bytes at ${offset}.`);
        yield segment;
        offset += segment.length;
      }
      if (segments.length === 0) throw new Error(`The log lacks its bytes at ${offset}.`);
    }
  }

  async function archiveOne(stream: StoredStream): Promise<void> {
    const key = `${stream.taskId}/${stream.attempt}-${stream.phase}-${stream.attemptId}.log.gz`;
    const archived = await archive.write(key, segmentsOf(stream));
    await transaction(db, async (tx) => {
      const now = await store.findStreamForUpdate(tx, stream);
      if (now === undefined || now.archivedKey !== null) return;
      await store.markArchived(tx, stream, archived);
      await store.deleteSegments(tx, stream, stream.length);
    });
  }

  /** One round; gives how many logs were moved. One that cannot be moved stays where it is and holds up no other. */
  return async (afterSeconds: number): Promise<number> => {
    const streams = await store.listToArchive(db, afterSeconds, AT_ONCE);
    let moved = 0;
    for (const stream of streams) {
      try {
        await archiveOne(stream);
        moved += 1;
      } catch (error) {
        logger.error({ err: error, task_id: stream.taskId, phase: stream.phase }, 'a log could not be archived');
      }
    }
    return moved;
  };
}
