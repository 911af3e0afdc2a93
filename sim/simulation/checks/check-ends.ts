import { isTerminal } from '@groundcrew/protocol';
import type { Tables } from '../server/tables.ts';
import type { KeptFolder } from './folders.ts';

/** Every task has come to an end or a verdict, and nothing is held without one. */
export function checkEnds(tables: Tables): string[] {
  return [...tables.fences.values()].flatMap(({ workspace, tasks }) => {
    const holder = tasks.find(({ id }) => id === workspace.hold);
    const unsettled = tasks
      .filter(({ status }) => !isTerminal(status) && status !== 'needs_attention')
      .filter(({ id }) => !isBehind(workspace.hold, holder?.status, id))
      .map(
        ({ id, status, stage }) => `${id} is still ${status} (${stage ?? 'no stage'}) although all is well for long`,
      );
    const held =
      holder !== undefined && holder.status !== 'needs_attention' && unsettled.length === 0
        ? [`${workspace.id} is held by ${holder.id}, which is ${holder.status}`]
        : [];
    return [...unsettled, ...held];
  });
}

/** After every verdict a person has closed, nothing is left. */
export const checkClosed = (tables: Tables): string[] =>
  [...tables.fences.values()].flatMap(({ tasks }) =>
    tasks
      .filter(({ status }) => status === 'needs_attention')
      .map(({ id }) => `${id} needs attention and cannot be closed`),
  );

/** Waits for a task that waits for a person. */
const isBehind = (hold: string | null, status: string | undefined, id: string): boolean =>
  hold !== null && hold !== id && status === 'needs_attention';

/**
 * Folders whose content is not delivered although everybody could be reached for long. Before its permit an attempt that a
 * power cut took its credential from is worth nothing: the server gives it up by itself.
 */
export const checkDelivered = (tables: Tables, folders: readonly KeptFolder[]): string[] =>
  folders
    .filter(
      ({ host, isThere, wasCut, attemptId }) => isThere && !host.lost && !(wasCut && !hadPermit(tables, attemptId)),
    )
    .map(({ host, path, attemptId }) => `${attemptId} is not delivered: its folder is still at ${host.name}:${path}`);

const hadPermit = (tables: Tables, attemptId: string): boolean =>
  [...tables.fences.values()].some(({ attempts }) =>
    attempts.some(({ id, permit }) => id === attemptId && permit !== 'none'),
  );
