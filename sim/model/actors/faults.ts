import { type Folder, NOTHING_HEARD } from '../folder.ts';
import type { Turn } from '../turn.ts';

/** What breaks: runners, hosts, pods; hosts that are copied; plan files that are changed. */
export function faults(turn: Turn): void {
  for (const folder of turn.system.folders) if (folder.host === 'up') strike(turn, folder);
}

function strike(turn: Turn, folder: Folder): void {
  const isOther = (other: Folder): boolean => other === folder || other.attemptId !== folder.attemptId;
  if (turn.may('runner_crash') && folder.runnerLives) hit(turn, 'runner is killed', folder, { runnerLives: false });
  if (turn.may('host_crash')) hit(turn, 'host dies', folder, { ...killed(folder), host: 'down' });
  if (turn.may('pod_loss')) hit(turn, 'pod is lost', folder, { ...killed(folder), host: 'lost' });
  if (turn.may('clone') && !folder.copy && turn.system.folders.every(isOther)) clone(turn, folder);
  if (turn.may('changed_plan') && folder.planChecksum !== null && folder.nonce === null)
    hit(turn, 'plan file is changed', folder, { planChecksum: 'changed' });
}

const hit = (turn: Turn, what: string, folder: Folder, patch: Partial<Folder>): void =>
  turn.disturb(what, folder.attemptId, {
    folders: turn.foldersWith(folder, { ...patch, ...(patch.runnerLives === false && { heard: NOTHING_HEARD }) }),
  });

/** Nothing of it runs any more. What it had not written down is gone. */
const killed = (folder: Folder): Partial<Folder> => ({
  runnerLives: false,
  terraform: folder.terraform === 'none' || folder.terraform === 'launching' ? 'none' : 'over',
});

/**
 * The host is copied: as files at any time, or running as long as no permit was asked for. A runner that is copied alive after
 * that is the same asker for the server; nothing could tell the two apart.
 */
function clone(turn: Turn, folder: Folder): void {
  const copy: Folder = { ...folder, copy: true, acted: false };
  const add = (what: string, made: Folder): void =>
    turn.disturb(what, folder.attemptId, { folders: [...turn.system.folders, made] });
  add('folder is copied', { ...copy, ...killed(copy), heard: NOTHING_HEARD });
  if (folder.runnerLives && folder.nonce === null) add('host is copied alive', copy);
}
