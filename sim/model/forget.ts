import type { Attempt } from '@groundcrew/server/lifecycle';
import { type Folder, NOTHING_HEARD } from './folder.ts';
import type { System } from './system.ts';

/**
 * Keeps the system finite: an attempt that ended before its LOCK was answered can never act any more, so all that is left of it is
 * what it may still say. Of the newest such attempts everything is said at any time; older ones fall silent.
 */
export function forget(system: System, ghosts: number): System {
  const { attempts } = system.world;
  const over = attempts.filter((attempt) => isOver(system, attempt));
  if (over.length === 0) return system;
  const silent = over.slice(0, over.length - ghosts);
  const heard = over.slice(over.length - ghosts);
  const isSettled = heard.every(({ id }) => isGhostly(system.folders, id));
  if (silent.length === 0 && isSettled) return system;
  return {
    ...system,
    world: { ...system.world, attempts: attempts.filter((attempt) => !silent.includes(attempt)) },
    folders: [
      ...system.folders.filter((folder) => !over.some(({ id }) => id === folder.attemptId)),
      ...heard.map(toGhost),
    ],
  };
}

function isOver({ folders, world }: System, { id, state, permit, states }: Attempt): boolean {
  if (state !== 'ended' || permit === 'live' || permit === 'used' || states.length > 0) return false;
  return (
    folders.every((folder) => folder.attemptId !== id || !(folder.lockAnswered || folder.heard.locked)) &&
    world.workspace.marks.every((mark) => mark.attemptId !== id)
  );
}

function isGhostly(folders: readonly Folder[], id: Attempt['id']): boolean {
  const own = folders.filter(({ attemptId }) => attemptId === id);
  return own.length === 1 && own[0]?.host === 'ghost';
}

const toGhost = ({ id, taskId, agentId, action }: Attempt): Folder => ({
  attemptId: id,
  taskId,
  agentId,
  action,
  copy: false,
  host: 'ghost',
  runnerLives: false,
  planChecksum: null,
  madeFrom: null,
  begun: true,
  stored: false,
  nonce: null,
  permitted: false,
  fate: undefined,
  lockAnswered: false,
  report: null,
  terraform: 'none',
  exit: null,
  acted: false,
  writer: '',
  base: 0,
  written: 0,
  heard: NOTHING_HEARD,
});
