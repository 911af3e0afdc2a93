import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunnerBirth, RunnerTask } from '@groundcrew/protocol';
import type { InstalledTool } from '@groundcrew/terraform';
import type { ControlPlane } from '../control-plane/index.ts';
import { type AttemptFolder, receiveFile } from '../folder/index.ts';
import { findProgram } from './find-program.ts';

/** What is fetched before the task's data are here, because it will most likely be needed. */
export interface Prefetched {
  /** SHA-256 of the configuration archive that has arrived; undefined when there is none, or it did not arrive. */
  archiveChecksum: Promise<string | undefined>;
  program: Promise<InstalledTool>;
}

/** Where the configuration's archive is put. */
export const archivePath = (folder: AttemptFolder): string => join(folder.tmp, 'configuration.tar.gz');

/** Begins what takes time and needs nothing but the task's name. Failures are told to whoever asks for the result. */
export function prefetch(deps: {
  folder: AttemptFolder;
  birth: RunnerBirth;
  task: RunnerTask;
  server: ControlPlane;
  acting: AbortSignal;
}): Prefetched {
  const { folder, birth, task, server, acting } = deps;
  const program = findProgram({ tool: task.tool, version: task.terraform_version }, birth, acting);
  program.catch(() => {});
  return { program, archiveChecksum: fetchArchive(folder, server, acting).catch(() => undefined) };
}

async function fetchArchive(folder: AttemptFolder, server: ControlPlane, acting: AbortSignal): Promise<string> {
  await rm(archivePath(folder), { force: true });
  const answer = await server.openConfiguration(acting, 'never');
  return (await receiveFile(answer.stream(), archivePath(folder))).checksum;
}
