import { sha256Hex } from '@groundcrew/kit';
import type { RunnerTask } from '@groundcrew/protocol';
import type { InstalledTool } from '@groundcrew/terraform';
import type { ControlPlane } from '../control-plane/index.ts';
import type { ProgramFinder } from './find-program.ts';

/** What is fetched before the task's data are here, because it will most likely be needed. */
export interface Prefetched {
  /** The configuration's archive; undefined when there is none, it is large, or it did not arrive. */
  archive: Promise<Archive | undefined>;
  program: Promise<InstalledTool>;
}

interface Archive {
  bytes: Uint8Array;
  /** SHA-256 in lower-case hex. */
  checksum: string;
}

export interface PrefetchDeps {
  task: RunnerTask;
  programs: ProgramFinder;
  server: ControlPlane;
  acting: AbortSignal;
}

/** A larger archive goes to the disk, when it is known that it is wanted. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Begins what takes time and needs nothing but the task's name. Failures are told to whoever asks for the result. */
export function prefetch({ task, programs, server, acting }: PrefetchDeps): Prefetched {
  const program = programs.find({ tool: task.tool, version: task.terraform_version }, acting);
  program.catch(() => {});
  return { program, archive: fetchArchive(server, acting).catch(() => undefined) };
}

async function fetchArchive(server: ControlPlane, acting: AbortSignal): Promise<Archive | undefined> {
  const answer = await server.openConfiguration(acting, 'never');
  if (answer.size === undefined || answer.size > MAX_BYTES) {
    answer.cancel();
    return undefined;
  }
  const bytes = await answer.bytes();
  return { bytes, checksum: sha256Hex(bytes) };
}
