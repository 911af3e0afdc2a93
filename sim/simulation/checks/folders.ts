import { type FileNode, type FolderNode, load } from '../disk/nodes.ts';
import type { Host } from '../world.ts';

/** An attempt's folder as it was when it was removed, or as it is. */
export interface KeptFolder {
  readonly host: Host;
  readonly path: string;
  readonly node: FolderNode;
  readonly attemptId: string;
  /** The power went while it was there, so what was not synced may be gone. */
  readonly wasCut: boolean;
  /** It still lies in the agent's work folder. */
  readonly isThere: boolean;
}

const isFile = (node: unknown): node is FileNode => (node as FileNode | undefined)?.kind === 'file';

/** A file in a folder, by path; also of folders that are gone from the disk. */
export function fileIn(folder: FolderNode, path: string): FileNode | undefined {
  let node: unknown = folder;
  for (const part of path.split('/')) node = (node as FolderNode | undefined)?.entries?.get(part);
  return isFile(node) ? node : undefined;
}

export const textIn = (folder: FolderNode, path: string): string | undefined => {
  const file = fileIn(folder, path);
  return file && load(file).toString();
};

/** Every attempt's folder that was ever made on the hosts. */
export function listKeptFolders(hosts: readonly Host[]): KeptFolder[] {
  return hosts.flatMap((host) =>
    host.disk.attemptFolders().flatMap(({ path, node, wasCut }) => {
      const task = textIn(node, 'task.json');
      const attemptId = task === undefined ? undefined : findAttemptId(task);
      return attemptId === undefined
        ? []
        : [{ host, path, node, attemptId, wasCut, isThere: host.disk.find(path) === node }];
    }),
  );
}

function findAttemptId(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { attempt_id: string }).attempt_id;
  } catch {
    return undefined;
  }
}
