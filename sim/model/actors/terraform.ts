import type { Folder } from '../folder.ts';
import type { Turn } from '../turn.ts';

/** Launcher and Terraform of an apply: they live on whether or not a runner does. Interrupts and failures end it at any time. */
export function terraform(turn: Turn): void {
  for (const folder of turn.system.folders) if (folder.host === 'up') act(turn, folder);
}

function act(turn: Turn, folder: Folder): void {
  if (folder.terraform === 'launching') launch(turn, folder);
  if (folder.terraform === 'locking')
    turn.move('Terraform ends without its lock', folder, { terraform: 'over', exit: 'badly' });
  if (folder.terraform === 'acting') apply(turn, folder);
}

const launch = (turn: Turn, folder: Folder): void =>
  folder.fate === undefined
    ? turn.move('launcher starts Terraform', folder, { fate: 'started', terraform: 'locking' })
    : turn.move('launcher finds the apply ruled out', folder, { terraform: 'none' });

function apply(turn: Turn, folder: Folder): void {
  // A state goes through the runner's relay to its disk; without a runner Terraform tries again until it gives up.
  if (folder.runnerLives && folder.written < turn.bounds.statesPerApply)
    turn.move('Terraform writes a state', folder, { written: folder.written + 1 });
  if (folder.written > 0) turn.move('Terraform ends well', folder, { terraform: 'over', exit: 'well' });
  turn.move('Terraform fails', folder, { terraform: 'over', exit: 'badly' });
}
