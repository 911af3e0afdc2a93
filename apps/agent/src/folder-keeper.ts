import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, newSecret } from '@groundcrew/kit';
import type { RunnerTask } from '@groundcrew/protocol';
import type { FolderEvidence } from './decisions/index.ts';
import { readEvidence } from './folder-evidence.ts';
import {
  createRunnerFolder,
  freeUser,
  GOING,
  type RunnerStart,
  type RunnerUser,
  removeFolder,
  userOf,
  writeSecret,
  writeTask,
} from './runner-process.ts';

export interface FolderKeeperDeps {
  /** Folder that holds one folder per runner; its path must stay short, sockets live in it. */
  dir: string;
  start: RunnerStart;
  logger: Logger;
}

/** The folders of this agent's runners on the disk, and whose they are. */
export function createFolderKeeper({ dir, start, logger }: FolderKeeperDeps) {
  /** Users by folder, until the folder is gone. */
  const uids = new Map<string, number>();
  const removals = new Map<string, Promise<void>>();
  const pathOf = (folder: string): string => join(dir, folder);
  /** Of a folder whose removal an agent before us had begun. */
  const finishRemoval = (name: string): void =>
    void rm(pathOf(name), { recursive: true, force: true }).catch((error: unknown) =>
      logger.error({ err: error, folder: name }, 'a folder could not be removed'),
    );
  const findUser = (folder: string): Promise<RunnerUser> => userOf(pathOf(folder), start);

  return {
    pathOf,
    findUser,
    async make(folder: string): Promise<void> {
      const user = freeUser([...uids.values()], start);
      if (user !== undefined) uids.set(folder, user.uid);
      await createRunnerFolder(pathOf(folder), start, user);
    },
    /** Puts a new secret into the folder, before the server hears of its hash. */
    async putSecret(folder: string): Promise<string> {
      const secret = newSecret();
      await writeSecret(pathOf(folder), secret, await findUser(folder));
      return secret;
    },
    async putTask(folder: string, task: RunnerTask): Promise<void> {
      await writeTask(pathOf(folder), task, await findUser(folder));
    },
    remove(folder: string): void {
      const removal = removeFolder(pathOf(folder))
        .catch((error: unknown) => logger.error({ err: error, folder }, 'a folder could not be removed'))
        .finally(() => {
          uids.delete(folder);
          removals.delete(folder);
        });
      removals.set(folder, removal);
    },
    /** Resolves when what is being removed is gone. */
    removed: async (): Promise<void> => void (await Promise.all(removals.values())),
    /** What stands there and is not known. */
    async look(
      isKnown: (folder: string) => boolean,
      olderLives: boolean,
    ): Promise<{ folder: string; evidence: FolderEvidence }[]> {
      const names = await readdir(dir).catch(() => []);
      for (const name of names)
        if (name.startsWith(GOING) && !removals.has(name.slice(GOING.length))) finishRemoval(name);
      const unknown = names.filter((name) => !name.startsWith(GOING) && !removals.has(name) && !isKnown(name));
      return Promise.all(
        unknown.map(async (folder) => {
          const evidence = await readEvidence(pathOf(folder), olderLives);
          const user = evidence.ours ? await findUser(folder).catch(() => undefined) : undefined;
          if (user !== undefined) uids.set(folder, user.uid);
          return { folder, evidence };
        }),
      );
    },
  };
}
