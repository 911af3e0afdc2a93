import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, writeFileDurably } from '@groundcrew/kit';
import type { Watermark, WatermarkKeeper } from './modules/tasks/index.ts';

/**
 * The last watermark of the database that this home has seen, kept outside the database, so that a restored database cannot bring
 * it along. An operator who restores the whole home says so by making the file `restored` in it.
 */
export function createWatermarkFile(home: string, logger: Logger): WatermarkKeeper {
  const path = join(home, 'watermark.json');
  const said = join(home, 'restored');
  let seen = readWatermark(path, logger);
  let writing: Promise<void> = Promise.resolve();

  return {
    read: () => seen,
    isRestoreSaid: () => existsSync(said),
    forgetRestore: () => rm(said, { force: true }),
    write(mark) {
      if (seen?.installation === mark.installation && seen.count >= mark.count) return writing;
      seen = mark;
      writing = writing.catch(() => undefined).then(() => writeFileDurably(path, `${JSON.stringify(mark)}\n`));
      return writing;
    },
  };
}

/** Undefined when there is none, or none that can be read: then a restore is found by the database's identity alone. */
function readWatermark(path: string, logger: Logger): Watermark | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const { installation, count } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Watermark>;
    if (typeof installation === 'string' && Number.isSafeInteger(count))
      return { installation, count: count as number };
  } catch (error) {
    logger.warn({ err: error, path }, 'the last watermark of the database cannot be read');
  }
  return undefined;
}
